"""Tables and names in the pages of ``Docs``, for the tests that hold a page against the code."""

from __future__ import annotations

import re
from pathlib import Path

from Testing.house.documents import numbered_sections
from Testing.house.text_files import ROOT


def page(name: str) -> Path:
    """A page by its file name."""
    return ROOT / "Docs" / name


def section(name: str, number: int) -> str:
    """The text of a numbered section."""
    return numbered_sections(page(name))[number]


def rows(text: str) -> list[list[str]]:
    """The rows of all tables of a text, cell by cell, without their heads."""
    found, in_table = [], False
    for line in text.splitlines():
        if not line.startswith("|"):
            in_table = False
        elif re.fullmatch(r"[|\-: ]+", line):
            in_table = True
        elif in_table:
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def code_names(text: str) -> list[str]:
    """What stands in `code` in a text, in order."""
    return re.findall(r"`([^`]+)`", text)


def after(text: str, words: str) -> str:
    """The paragraph that follows some words, up to an empty line."""
    return text.split(words, 1)[1].split("\n\n", 1)[0]
