"""A teacher's labels for exams that nobody labelled: which exams, and what becomes of each (Docs/methods.md section 4)."""
