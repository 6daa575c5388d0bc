"""Names that are imported from the panel's files and are not there: types are checked in the library only, so a renamed function
would be missed by whoever imports it inside a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from Testing.house.imports import modules
from Testing.house.text_files import ROOT

IMPORTERS = ("MSSoftSeg", "Testing", "Benchmarks", "Docs/make")


def missing_name_findings() -> list[str]:
    """A line on each import of a name that its file does not have."""
    paths = [path for folder in IMPORTERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [finding for path in paths for finding in _missing_in(path)]


@cache
def _names(path: Path) -> frozenset[str]:
    return frozenset(defined_names(path))


def _missing_in(path: Path) -> Iterator[str]:
    known = modules()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in known and node.module.startswith("MSSoftSegGUI"):
            there = _names(known[node.module].path)
            for alias in node.names:
                if alias.name not in there and f"{node.module}.{alias.name}" not in known:
                    yield f"{path.relative_to(ROOT).as_posix()}: {node.module} has no {alias.name}"


def defined_names(path: Path) -> set[str]:
    """What a file defines or imports at its top, in whatever block."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found
