"""The documents of the case library's jobs."""
