"""Jobs: everything that runs, described by one document, answered by events."""
