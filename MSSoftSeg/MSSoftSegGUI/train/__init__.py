"""Training from the library: before, meanwhile, and whether the new model is better."""
