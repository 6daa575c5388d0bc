"""Other processes and short work: started, heard, sliced, and what they failed with."""
