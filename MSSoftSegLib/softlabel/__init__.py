"""Soft labels: rater masks in, soft mask out. Knows no network."""
