"""From a lesion mask and its exam to where every lesion lies."""
