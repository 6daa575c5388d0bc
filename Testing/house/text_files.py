"""The project's own text files, and in Python files the part of them that is prose."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (".ci", "Benchmarks", "Docs", "MSSoftSeg", "MSSoftSegLib", "Resources", "Testing")
SUFFIXES = {".py", ".md", ".toml", ".txt", ".ui", ".ipynb", ".jinja", ".cff"}
# A comment or paragraph that goes on in the next line is one text.
_LINE_END = re.compile(r"\s*\n\s*(?:#:? ?)?")


@cache
def text_files() -> tuple[Path, ...]:
    """Every text file of the project, without what tools leave behind."""
    found = [path for path in ROOT.iterdir() if path.suffix in SUFFIXES or path.name == "Makefile"]
    for folder in FOLDERS:
        inside = ((path, path.relative_to(ROOT).parts) for path in (ROOT / folder).rglob("*"))
        found += [
            path
            for path, parts in inside
            if path.suffix in SUFFIXES and not any(part.startswith(("_", ".")) for part in parts[1:-1])
        ]
    return tuple(sorted(path for path in found if path.is_file()))


@cache
def prose(path: Path) -> str:
    """What a file says to people, on one line: comments and docstrings of Python, all of anything else."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = "\n".join(_spoken(text))
    return _LINE_END.sub(" ", text)


def _spoken(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.string.endswith('"""')):
            yield token.string


def name(path: Path) -> str:
    """A file by its place in the project, for a finding."""
    return path.relative_to(ROOT).as_posix()
