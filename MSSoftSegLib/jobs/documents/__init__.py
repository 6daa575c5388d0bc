"""Jobs as documents: one schema for the command line, the worker and the Slicer module. No torch here."""
