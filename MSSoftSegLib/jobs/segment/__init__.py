"""From an exam's images to working images and to a result folder."""
