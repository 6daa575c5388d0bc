"""Training: from images with soft labels to a model bundle."""
