"""Other tools' results of the same exams: found, brought to the FLAIR image's grid, compared with ours, and fused."""
