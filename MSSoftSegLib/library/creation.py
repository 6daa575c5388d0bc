"""Making an empty case library."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from pathlib import Path

from MSSoftSegLib.errors import OutputExists, RequestError
from MSSoftSegLib.library.layout import (
    DERIVATIVES,
    DESCRIPTION,
    PARTICIPANTS,
    README,
    WRITERS_FOLDER,
    is_dropping,
    resolve_inside,
)
from MSSoftSegLib.library.locking import lock_file
from MSSoftSegLib.library.reading import check_is_library
from MSSoftSegLib.library.transaction import write_text
from MSSoftSegLib.version import VERSION

BIDS_VERSION = "1.10.0"
README_TEXT = """Case library of MSSoftSeg: exams of people with multiple sclerosis and their lesion labels, laid out as in BIDS.
derivatives/mssoftseg holds, per case, one label map per rater (1 = lesion, 2 = possible lesion), soft labels, a record of
what was labelled when, and in "earlier" the label maps that later ones replaced. Add and change cases with "mssoftseg library";
"mssoftseg library check" names any file that does not match its checksum.
"""


def create_library(folder: Path, *, name: str = "MS lesion cases") -> Path:
    """Make an empty case library in a folder that is absent or empty; returns the folder."""
    if (folder / DESCRIPTION).exists():
        raise OutputExists(f"{folder.name} is a case library already", remedy="add to it, or choose another folder")
    return ensure_library(folder, name=name)


def ensure_library(folder: Path, *, name: str = "MS lesion cases") -> Path:
    """A case library in the folder, made where it is absent or empty, or its making was interrupted."""
    if (folder / DESCRIPTION).exists():
        check_is_library(folder)
        return folder
    if folder.exists() and not folder.is_dir():
        raise OutputExists(f"{folder.name} is a file, not a folder", remedy="choose a folder for the case library")
    if folder.exists() and not is_begun(folder):
        raise OutputExists(f"{folder.name} is not empty", remedy="choose a new folder for the case library")
    scratch = folder / WRITERS_FOLDER
    try:
        scratch.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise RequestError(
            f"the folder {folder.name} cannot be made or may not be written to",
            remedy="choose another folder for the case library, or ask for permission",
        ) from None
    common = {"BIDSVersion": BIDS_VERSION, "GeneratedBy": [{"Name": "MSSoftSeg", "Version": VERSION}]}
    labels = {"Name": f"{name}: labels", "DatasetType": "derivative", **common}
    with lock_file(scratch / "locks" / "library.lock"):
        if (folder / DESCRIPTION).exists():
            return folder
        write_text(resolve_inside(folder, DERIVATIVES / DESCRIPTION), _document(labels), scratch=scratch)
        write_text(folder / README, README_TEXT, scratch=scratch)
        write_text(folder / PARTICIPANTS, "participant_id\n", scratch=scratch)
        # Last: it is what tells a library from a folder.
        write_text(folder / DESCRIPTION, _document({"Name": name, "DatasetType": "raw", **common}), scratch=scratch)
    return folder


def is_begun(folder: Path) -> bool:
    """Whether there is nothing in the folder but what the making of a library begins with."""
    ours = {WRITERS_FOLDER, DERIVATIVES.parts[0], README, PARTICIPANTS}
    begun = all(path.name in ours or is_dropping(path.name) for path in folder.iterdir())
    return begun and not any(folder.glob("derivatives/*/sub-*"))


def _document(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"
