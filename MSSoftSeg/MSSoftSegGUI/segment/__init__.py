"""The Segment button: what it asks the worker and what it shows meanwhile."""
