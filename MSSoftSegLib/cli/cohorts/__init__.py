"""Many exams at a command: ``mssoftseg cohort`` and the BIDS App ``mssoftseg-bids``."""
