"""How good a result is. Pure functions on arrays; an undefined value is None, never a guess."""
