"""From an exam and a model to its lesions: the one place where all the lower rooms meet. Reads and writes no image file."""
