"""The digital patient: a head that was never anybody's, with known lesions."""
