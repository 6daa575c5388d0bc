"""Training, pseudo-labels and the study of recipes."""
