"""Synthetic training images: real lesion shapes on real and template anatomy, drawn as many scanners would see them."""
