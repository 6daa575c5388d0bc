"""A result under the reader's eyes: live threshold, lesion rows, decisions, correction."""
