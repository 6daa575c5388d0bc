"""Strings that the user reads, translated where Slicer runs; without Slicer they stay as they are.

Presenters import ``tr as _`` from here instead of from ``slicer.i18n``, so that they can be tested without Slicer.
"""

from __future__ import annotations

import sys


def tr(text: str) -> str:
    """The text in the user's language. To be called when the text is needed: at import nothing is translated yet."""
    i18n = sys.modules.get("slicer.i18n")
    if i18n is None:
        return text
    caller = sys._getframe(1).f_globals.get("__file__", "")
    return str(i18n.translate(i18n.getContext(caller), text))
