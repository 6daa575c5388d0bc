"""Where lesions are: a probabilistic map of regions per exam, and the place of every lesion in it."""
