"""The case library: curated cases on a disk that several people share."""
