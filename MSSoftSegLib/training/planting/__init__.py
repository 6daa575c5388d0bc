"""Real brains with other lesions: a patient's own ones are filled with normal-appearing tissue, then others' are planted."""
