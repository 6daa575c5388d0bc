"""Is the library what its records say? Every file that is damaged, missing or foreign is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.library.case_record import CaseRecord, is_altered
from MSSoftSegLib.library.layout import (
    DERIVATIVES,
    DESCRIPTION,
    PARTICIPANTS,
    README,
    SETTINGS,
    WRITERS_FOLDER,
    CaseId,
    find_case_of_file,
    is_dropping,
    resolve_inside,
)
from MSSoftSegLib.library.library_settings import read_settings
from MSSoftSegLib.library.opening import finish_interrupted
from MSSoftSegLib.library.reading import (
    check_is_library,
    find_case,
    find_file_problem,
    list_case_ids,
)
from MSSoftSegLib.library.transaction import Commit, find_decided, read_participants

# What BIDS allows beside the data.
EXPECTED_NAMES = (
    DESCRIPTION,
    PARTICIPANTS,
    "participants.json",
    README,
    "README.md",
    "CHANGES",
    "LICENSE",
    ".bidsignore",
)


@dataclass(frozen=True)
class LibraryFinding:
    """One file that is not as it should be; file: its name relative to the library."""

    kind: Literal["damaged", "missing", "foreign"]
    file: str
    explanation: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.file} {self.explanation}"


def check_library(library: Path) -> list[LibraryFinding]:
    """What is wrong, in order of file name; empty where nothing is. Changes that a killed writer had decided are done first."""
    check_is_library(library)
    _finish_interrupted(library)
    findings = _look(library)
    # Somebody may be writing: what is really wrong is so a moment later, too.
    return sorted(findings & _look(library), key=lambda finding: finding.file) if findings else []


def _look(library: Path) -> set[LibraryFinding]:
    pending = _pending(library)
    findings: set[LibraryFinding] = set()
    known: set[str] = set()
    broken: set[CaseId] = set()
    for case in list_case_ids(library):
        known.add(str(case.record))
        try:
            record = find_case(library, case)
        except BadLibrary as problem:
            findings.add(
                LibraryFinding("damaged", str(case.record), problem.message.removeprefix(case.record.name).lstrip(": "))
            )
            broken.add(case)
            continue
        if _is_altered(resolve_inside(library, case.record)):
            findings.add(LibraryFinding("damaged", str(case.record), "is altered: its checksum does not hold"))
        if record is not None and case not in pending:
            known |= record.checksums.keys()
            findings |= _file_findings(library, record)
    for folder, commit in pending.values():
        known |= {*commit.record.checksums, *commit.removals}
        findings |= _pending_findings(library, folder, commit)
    findings |= _foreign(library, known, broken)
    return findings | _frame_findings(library)


def _is_altered(path: Path) -> bool:
    try:
        return is_altered(path.read_bytes())
    except (OSError, ValueError):
        # Gone, or being written: the second look tells.
        return True


def _file_findings(library: Path, record: CaseRecord) -> set[LibraryFinding]:
    found = set()
    for name, checksum in record.checksums.items():
        path = resolve_inside(library, PurePosixPath(name))
        if problem := find_file_problem(path, checksum):
            found.add(LibraryFinding("damaged" if path.exists() else "missing", name, problem))
    return found


def _pending_findings(library: Path, folder: Path, commit: Commit) -> set[LibraryFinding]:
    """The files of a case whose change is decided but could not be carried out: some still lie in the pending folder."""
    staged = {name: folder / source for source, name in commit.moves.items()}
    found = set()
    for name, checksum in commit.record.checksums.items():
        places = [staged.get(name), resolve_inside(library, PurePosixPath(name))]
        if all(place is None or find_file_problem(place, checksum) for place in places):
            found.add(LibraryFinding("damaged", name, "is not what an interrupted change left"))
    return found


def _foreign(library: Path, known: set[str], broken: set[CaseId]) -> set[LibraryFinding]:
    """Files that no record speaks of; those of a case whose record is gone count as one finding."""
    found = set()
    recorded = set(list_case_ids(library))
    orphans: dict[CaseId, int] = {}
    for name in _files(library):
        case = find_case_of_file(name)
        if str(name) in known or case in broken:
            continue
        if case is None:
            found.add(LibraryFinding("foreign", str(name), "belongs to no case"))
        elif case in recorded:
            found.add(LibraryFinding("foreign", str(name), "is not in the record of its case"))
        else:
            orphans[case] = orphans.get(case, 0) + 1
    for case, count in orphans.items():
        found.add(LibraryFinding("missing", str(case.record), f"is missing, and without it what {count} files are"))
    return found


def _files(library: Path) -> Iterator[PurePosixPath]:
    """Every file by its name relative to the library, but what belongs to no case by right."""
    for folder, folders, names in os.walk(library):
        relative = PurePosixPath(*Path(folder).relative_to(library).parts)
        if relative == PurePosixPath():
            folders[:] = [name for name in folders if name != WRITERS_FOLDER]
            names = [name for name in names if name not in EXPECTED_NAMES]
        if relative == DERIVATIVES:
            names = [name for name in names if name not in (DESCRIPTION, SETTINGS.name)]
        yield from (relative / name for name in names if not is_dropping(name))


def _frame_findings(library: Path) -> set[LibraryFinding]:
    """Of the files that belong to the library as a whole."""
    found = set()
    description = DERIVATIVES / DESCRIPTION
    try:
        parse_json(resolve_inside(library, description).read_bytes())
    except FileNotFoundError:
        found.add(LibraryFinding("missing", str(description), "is missing"))
    except (OSError, ValueError):
        found.add(LibraryFinding("damaged", str(description), "is not JSON"))
    try:
        read_settings(library)
    except BadLibrary:
        found.add(LibraryFinding("damaged", str(SETTINGS), "is not what the library's settings are"))
    if not (library / PARTICIPANTS).is_file():
        return found | {LibraryFinding("missing", PARTICIPANTS, "is missing")}
    try:
        listed = read_participants(library)
    except (OSError, ValueError):
        return found | {LibraryFinding("damaged", PARTICIPANTS, "is not a table")}
    for patient in sorted({case.patient for case in list_case_ids(library)}):
        if f"sub-{patient}" not in listed:
            found.add(LibraryFinding("damaged", PARTICIPANTS, f"has no line for sub-{patient}"))
    return found


def _pending(library: Path) -> dict[CaseId, tuple[Path, Commit]]:
    return {commit.record.case_id: (folder, commit) for folder, commit in find_decided(library).items()}


def _finish_interrupted(library: Path) -> None:
    """Who may only read looks at the pending files where they are."""
    for case in _pending(library):
        finish_interrupted(library, case)
