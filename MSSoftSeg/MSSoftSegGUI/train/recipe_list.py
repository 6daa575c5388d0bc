"""Which recipes can be chosen: read from the files that ship, without the library's packages."""

from __future__ import annotations

import tomllib
from pathlib import Path

# What a department does most: adapt the model that ships to its own cases; then the whole of our own recipe.
FIRST = ("mssoftseg-adapt", "mssoftseg")


def list_shipped_recipes() -> tuple[tuple[str, str], ...]:
    """(name, title) of every recipe; those that a clinic starts with first."""
    from MSSoftSegLib.resources import find_resources

    names = sorted(path.stem for path in (find_resources() / "Recipes").glob("*.toml"))
    folder = find_resources() / "Recipes"
    ordered = sorted(names, key=lambda name: (_place(name), name))
    return tuple((name, _title(folder / f"{name}.toml", name)) for name in ordered)


def _place(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def _title(path: Path, name: str) -> str:
    try:
        title = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("title")
    except (OSError, ValueError):
        title = None
    return f"{name}: {title}" if title else name
