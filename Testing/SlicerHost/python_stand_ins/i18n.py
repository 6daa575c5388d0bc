"""slicer.i18n: marked strings, untranslated; which were asked for is remembered."""

from __future__ import annotations

import os
import sys

FILEPATH_TO_CONTEXT: dict[str, str] = {}
ASKED_FOR: set[tuple[str, str]] = set()


def translate(context, text):
    ASKED_FOR.add((context, text))
    return text


def getContext(sourceFile):
    if sourceFile not in FILEPATH_TO_CONTEXT:
        name = os.path.splitext(os.path.basename(sourceFile))[0]
        parent = os.path.basename(os.path.dirname(sourceFile))
        FILEPATH_TO_CONTEXT[sourceFile] = parent if name == "__init__" else name
    return FILEPATH_TO_CONTEXT[sourceFile]


def tr(text):
    # Not inspect.stack(): it looks at the source of every frame, which takes longer than a view takes to draw.
    return translate(getContext(sys._getframe(1).f_code.co_filename), text)
