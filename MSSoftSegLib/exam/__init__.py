"""Exams: one visit's images, checked before anything is computed from them."""
