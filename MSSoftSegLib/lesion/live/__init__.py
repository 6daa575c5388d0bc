"""The lesions while hands move: thresholds in milliseconds, edits kept apart from them. Numpy and scipy only."""
