"""Jobs about the images of an exam before anything is computed: what a folder holds, and DICOM series as image files."""
