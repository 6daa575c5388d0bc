"""From images in the scene to one exam: choosing, guessing, loading."""
