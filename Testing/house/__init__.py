"""Checks of the house itself that need nothing but its files: run by ``make lint`` and by the tests."""
