"""What a cohort comes to: one table of exams, one of lesions, and the page on which a coordinator decides what to exclude."""
