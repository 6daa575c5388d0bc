"""DICOM in and out: the only room that may see an identity."""
