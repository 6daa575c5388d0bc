"""From working images to probabilities and what is known of their uncertainty."""
