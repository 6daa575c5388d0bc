"""From a rater mask to a soft mask."""
