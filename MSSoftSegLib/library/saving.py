"""One rater saves a drawing: it replaces what she opened, and nothing that somebody else saved meanwhile."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.library.case_change import CaseChange, MaskFacts
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.creation import ensure_library
from MSSoftSegLib.library.differences import describe_difference
from MSSoftSegLib.library.layout import DESCRIPTION, LONGEST_ID, CaseId
from MSSoftSegLib.library.reading import check_is_library, find_case
from MSSoftSegLib.library.transaction import check_arrived, lock_patient, stage_in_place, watch_reachable
from MSSoftSegLib.library.writing import check_spelling, put_in_place, stage_files

DISK_IS_GONE = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "ENOENT", "ENOTDIR", "ENODEV", "ENXIO", "ENOTCONN", "ESTALE", "ETIMEDOUT"),
        *("EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH"),
    )
    if hasattr(errno, name)
)


@dataclass(frozen=True)
class Drawing:
    """One rater's label map of a visit, what comes with it, and what she started from; see ``LibrarySaveSpec``.

    change: brings that one mask. mask_sha256: the mask's file. made_of: the files that the soft label was made of, by their
    checksums; the mask's own may be among them. based_on: checksum of this rater's mask when she opened it.
    """

    change: CaseChange
    mask_sha256: str = ""
    made_of: tuple[str, ...] = ()
    based_on: str | None = None

    @property
    def case(self) -> CaseId:
        """Whose it is."""
        return self.change.case

    @property
    def rater(self) -> str:
        """Who drew."""
        (rater,) = self.change.raters
        return rater


@dataclass(frozen=True)
class Saved:
    """What became of a drawing.

    rater: the name under which it is kept; conflict: whether that had to be another one. new_library: it was made for it.
    """

    record: CaseRecord
    rater: str
    conflict: bool
    new_library: bool

    @property
    def sha256(self) -> str:
        """Checksum of the stored mask: what the next save is based on."""
        return self.record.checksums[str(self.record.case_id.rater_mask(self.rater))]


def save_drawing(library: Path, drawing: Drawing) -> Saved:
    """Put the drawing into the library, which is made where the folder is absent or empty.

    BadLibrary where the library's disk does not answer, or a drawing that was opened from it finds no library there.
    """
    is_new = not (library / DESCRIPTION).exists()
    if is_new and drawing.based_on is not None:
        # A share that was unmounted is an empty folder, or none.
        raise _unreachable(library)
    try:
        if is_new:
            ensure_library(library)
        # Of one that is there and goes away meanwhile no new one is begun.
        with watch_reachable(library):
            check_is_library(library)
            check_spelling(library, drawing.case)
            return dataclasses.replace(_save(library, drawing), new_library=is_new)
    except OSError as problem:
        if problem.errno in DISK_IS_GONE:
            raise _unreachable(library) from None
        raise


def _unreachable(library: Path) -> BadLibrary:
    return BadLibrary(
        f"the case library {library.name} cannot be reached",
        remedy="connect its disk or network share, then save again",
    )


def _save(library: Path, drawing: Drawing) -> Saved:
    change = dataclasses.replace(drawing.change, by=drawing.rater)
    with stage_in_place(library) as folder:
        staged, facts = stage_files(library, folder, change)
        with lock_patient(library, drawing.case):
            before = find_case(library, drawing.case)
            rater, conflict = _name_to_keep(library, before, staged, drawing)
            if rater != drawing.rater:
                staged, change, facts = _renamed(staged, change, facts, drawing.rater, rater)
            if conflict:
                # Two masks under one person's name: somebody has to look before they are trained on.
                change = dataclasses.replace(change, status="corrected")
            change = dataclasses.replace(change, made_of=_made_of(before, drawing, rater))
            record = put_in_place(library, folder, staged, change, facts, replace=True)
    check_arrived(library, record)
    return Saved(record, rater, conflict, new_library=False)


def _name_to_keep(
    library: Path, before: CaseRecord | None, staged: Mapping[PurePosixPath, Path], drawing: Drawing
) -> tuple[str, bool]:
    """Under which rater's name the drawing goes, and whether that is because somebody else saved under hers."""
    case, rater = drawing.case, drawing.rater
    known = {} if before is None else {r: before.checksums[str(case.rater_mask(r))] for r in before.raters}
    if rater not in known or known[rater] == drawing.based_on:
        return rater, False
    mine = staged[case.rater_mask(rater)]

    def holds_it(name: str) -> bool:
        return not describe_difference(library, before, {case.rater_mask(name): mine})

    if holds_it(rater):
        return rater, False
    taken = {name.casefold(): name for name in known}
    number = 2
    while True:
        other = f"{rater[: LONGEST_ID - 4]}{number}"
        there = taken.get(other.casefold())
        if there is None:
            return other, True
        # Kept there by an earlier save of the same drawing.
        if known[there] == drawing.based_on or holds_it(there):
            return there, False
        number += 1


def _renamed(
    staged: Mapping[PurePosixPath, Path], change: CaseChange, facts: MaskFacts, rater: str, other: str
) -> tuple[dict[PurePosixPath, Path], CaseChange, MaskFacts]:
    """The same files and change with the mask under another rater's name."""
    files = dict(staged)
    files[change.case.rater_mask(other)] = files.pop(change.case.rater_mask(rater))
    renamed = MaskFacts(
        edits={other: facts.edits[rater]} if rater in facts.edits else {},
        volumes_ml={other: facts.volumes_ml[rater]},
    )
    return files, dataclasses.replace(change, raters={other: change.raters[rater]}), renamed


def _made_of(before: CaseRecord | None, drawing: Drawing, rater: str) -> frozenset[str]:
    """The raters whose masks the soft label was made of; empty where one of them is not in the library."""
    known = {} if before is None else {before.checksums[str(drawing.case.rater_mask(r))]: r for r in before.raters}
    known[drawing.mask_sha256] = rater
    if not drawing.made_of or any(checksum not in known for checksum in drawing.made_of):
        return frozenset()
    return frozenset(known[checksum] for checksum in drawing.made_of)
