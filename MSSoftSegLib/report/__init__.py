"""What a person gets to read: ``result.json``, ``lesions.csv`` and the self-contained ``report.html``."""
