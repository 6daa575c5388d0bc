"""What holds for a whole library: how its raters are merged and softened where nobody says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.plain_text import decode_text
from MSSoftSegLib.library.layout import SETTINGS, WRITERS_FOLDER, resolve_inside
from MSSoftSegLib.library.locking import lock_file
from MSSoftSegLib.library.reading import check_is_library
from MSSoftSegLib.library.transaction import stage_in_place, write_text
from MSSoftSegLib.softlabel.settings import SoftLabelSettings


class LibrarySettings(BaseModel, frozen=True, extra="forbid"):
    """softening: how raters become a soft label by default, None where nobody chose; its merge is the library's."""

    schema_version: Literal[1] = 1
    softening: SoftLabelSettings | None = None


def read_settings(library: Path) -> LibrarySettings:
    """The library's settings; BadLibrary where their file does not hold."""
    path = resolve_inside(library, SETTINGS)
    try:
        return LibrarySettings.model_validate_json(decode_text(path.read_bytes()))
    except FileNotFoundError:
        return LibrarySettings()
    except (OSError, ValueError):
        raise BadLibrary(
            f"{path.name} of {library.name} cannot be read",
            remedy="restore it from a backup, or delete it and choose with mssoftseg library merge",
        ) from None


def write_settings(library: Path, settings: LibrarySettings) -> None:
    """Replace the library's settings."""
    check_is_library(library)
    text = settings.model_dump_json(indent=2) + "\n"
    with stage_in_place(library) as folder, lock_file(library / WRITERS_FOLDER / "locks" / "settings.lock"):
        write_text(resolve_inside(library, SETTINGS), text, scratch=folder)
