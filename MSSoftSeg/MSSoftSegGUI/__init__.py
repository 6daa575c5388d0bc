"""The panel of the MSSoftSeg module: presenters that decide without Qt, and thin Qt panels that show."""
