"""Cases of a library in the layout that another tool reads, one format a file."""
