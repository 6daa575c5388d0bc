"""What MRML holds: volumes, the segmentation node, views and parameter nodes."""
