"""Who imports whom in the project, read off the source: modules, the rooms (folders) they lie in, and cycles among either."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from Testing.house.text_files import ROOT

PACKAGES = {"MSSoftSegLib": ROOT / "MSSoftSegLib", "MSSoftSegGUI": ROOT / "MSSoftSeg" / "MSSoftSegGUI"}
Arrow = tuple[str, str]


@dataclass(frozen=True)
class Module:
    """One file. name: dotted, a package's own file by the package's name. names: everything it imports, dotted."""

    name: str
    path: Path
    names: tuple[str, ...]

    @property
    def room(self) -> str:
        """The folder it lies in, dotted: "MSSoftSegGUI.review", or the package itself."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


@cache
def modules() -> dict[str, Module]:
    """Every module of the product by name."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path, tuple(_imported(ast.parse(path.read_text(encoding="utf-8")))))
    return found


def _imported(tree: ast.AST) -> Iterable[str]:
    """All that a file imports, at its head or inside a function: ``from a import b`` may mean the module a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_arrows() -> set[Arrow]:
    """(importing, imported) for modules of the product."""
    known = modules()
    arrows = set()
    for module in known.values():
        for name in module.names:
            there = name if name in known else name.rpartition(".")[0]
            if there in known and there != module.name:
                arrows.add((module.name, there))
    return arrows


def room_arrows(depth: int | None = None) -> dict[Arrow, int]:
    """How many imports go from one room to another. depth: of a room's dotted name, None for every folder by itself."""
    known, counted = modules(), {}
    for importing, imported in module_arrows():
        pair = tuple(_cut(known[name].room, depth) for name in (importing, imported))
        if pair[0] != pair[1]:
            counted[pair] = counted.get(pair, 0) + 1
    return dict(sorted(counted.items()))


def files_in_rooms() -> dict[str, int]:
    """How many files each room has, with the package's own."""
    counted: dict[str, int] = {}
    for module in modules().values():
        counted[module.room] = counted.get(module.room, 0) + 1
    return dict(sorted(counted.items()))


def cycles(arrows: Iterable[Arrow]) -> list[list[str]]:
    """Groups in which everything reaches everything else, in order of name."""
    after: dict[str, set[str]] = {}
    for start, end in arrows:
        after.setdefault(start, set()).add(end)
    reached = {name: _reached(name, after) for name in after}
    found, seen = [], set()
    for name in sorted(after):
        if name in reached[name] and name not in seen:
            group = sorted(other for other in reached[name] if name in reached.get(other, ()))
            seen.update(group)
            found.append(group)
    return found


def _reached(name: str, after: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(after.get(name, ()))
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += after.get(other, ())
    return found


def _cut(room: str, depth: int | None) -> str:
    return ".".join(room.split(".")[:depth])
