"""Many exams: found in a data set, segmented by an engine that sites already run, gathered in tables and on one page."""
