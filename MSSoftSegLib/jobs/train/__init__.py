"""Training, pseudolabels and the study of recipes."""
