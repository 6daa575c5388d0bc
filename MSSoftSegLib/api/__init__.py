"""The way in from Python: what ``import MSSoftSegLib as mss`` offers, one file for each name that is more than a room's own.

Nothing is computed here. The rooms below compute, and the rooms beside (``jobs``, ``cli``) ask them for the same.
"""
