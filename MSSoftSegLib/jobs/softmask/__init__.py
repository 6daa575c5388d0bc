"""From rater masks to a soft mask."""
