"""Lesions as clinicians count them. Numpy and scipy only, so that a threshold slider is live."""
