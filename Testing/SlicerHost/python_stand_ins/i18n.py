"""slicer.i18n: marked strings, untranslated; which were asked for is remembered."""

from __future__ import annotations

import inspect
import os

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
    caller = inspect.stack()[1].filename
    return translate(getContext(caller), text)
