"""What an export wrote, and the mark by which a later export knows that it may replace it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from MSSoftSegLib.errors import OutputExists
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.version import VERSION

MARK = "export.json"
# Fraction done and what is being written; may raise to stop.
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Skipped:
    """A case that was asked for and is not in the export, and why."""

    case: str
    reason: str


@dataclass(frozen=True)
class Exported:
    """cases: by name. files: relative to the export's folder."""

    cases: tuple[str, ...]
    files: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()


def say_nothing(fraction: float, case: str) -> None:
    """No progress is told."""


def list_exported_files(folder: Path) -> tuple[str, ...]:
    """Every file below a folder but the mark, relative to it."""
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(name for name in names if PurePosixPath(name).name != MARK)


def write_mark(folder: Path, export_format: str) -> None:
    """Say in a folder what was exported into it: names and checksums of files, nothing about whose they are."""
    checksums = {name: compute_sha256(folder / name) for name in list_exported_files(folder)}
    document = {"software": "MSSoftSeg", "version": VERSION, "format": export_format, "files": checksums}
    (folder / MARK).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read_format(folder: Path) -> str | None:
    """The format of the export that a folder is; None where it is none of ours."""
    try:
        return str(parse_json((folder / MARK).read_bytes())["format"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_unchanged(folder: Path) -> None:
    """Refuse to replace an export to which somebody has added, or which somebody has changed, since."""
    mark = folder / MARK
    if not mark.is_file():
        return
    try:
        before = parse_json(mark.read_bytes())["files"]
        changed = any(before.get(name) != compute_sha256(folder / name) for name in list_exported_files(folder))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        changed = True
    if changed:
        raise OutputExists(
            f"{folder.name} was changed since it was exported and is not overwritten", remedy="choose another --out"
        )
