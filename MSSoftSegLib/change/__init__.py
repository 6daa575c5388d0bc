"""Two visits of one patient, or more: what is new, what grew, what went, and how sure that is."""
