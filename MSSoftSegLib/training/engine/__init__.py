"""The training engine: recipe and prepared cases in, weights out; resumable at any step, on any number of devices."""
