"""Other people's data sets into a case library, one format a file."""
