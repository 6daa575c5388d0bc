"""Results measured against raters, and models compared with each other."""
