"""From raw images to the grid that networks see: alignment, bias correction, brain extraction, resampling."""
