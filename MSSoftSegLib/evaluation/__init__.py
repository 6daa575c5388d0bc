"""How good a result is. Pure functions on arrays; an undefined value is None, never a guess (see ``empty_cases``).

Arrays are (z, y, x) and so is every ``spacing_mm`` here: SimpleITK's spacing is (x, y, z) and has to be turned round.
"""
