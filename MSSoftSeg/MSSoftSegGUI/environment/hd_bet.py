"""Installing HD-BET by a button: what is asked before, and which Python its environment is made from."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from MSSoftSegGUI.widgets.translation import tr as _

# Whose packages HD-BET's torch is built for; the newest that all of them have first.
PYTHONS = ("python3.12", "python3.11", "python3", "python")


def find_python(search_path: str, which: Callable[..., str | None] = shutil.which) -> str:
    """A Python of this computer, empty for none. Slicer's own is none: an environment made from it does not work reliably."""
    for name in PYTHONS:
        found = which(name, path=search_path)
        if found and "slicer" not in found.casefold():
            return found
    return ""


def make_question() -> str:
    """What the user agrees to: how much, under which license, from where."""
    return _(
        "HD-BET takes the brain out of the head better than the atlas that ships. Install it now?\n\n"
        "From the Python package index: HD-BET (Apache-2.0) and its packages, about 2 GB, in an environment of its own.\n"
        "From Zenodo, record 14445620: its weights, about 1 GB, under the terms that stand there (no license of the weights "
        "that could be verified was found).\n\n"
        "Nothing of your images is sent anywhere."
    )
