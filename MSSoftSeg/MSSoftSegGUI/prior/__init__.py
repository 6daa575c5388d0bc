"""Today's result beside an earlier visit: what is new, grew, shrank or went, and what the reader says of each."""
