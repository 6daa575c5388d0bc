"""Changing several files as if they were one: all of a change is in the library, or nothing of it.

Files are first written whole into a pending folder. Then one small file, ``commit.json``, appears there by renaming: from
this moment the change is decided. Moving the files to their names, which a kill can interrupt, is repeated by whoever comes
next until it is done. The case record is put in place last.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ValidationError

from MSSoftSegLib.errors import BadLibrary, MSSoftSegError, RequestError
from MSSoftSegLib.library.case_record import CaseRecord, format_record
from MSSoftSegLib.library.layout import DESCRIPTION, PARTICIPANTS, WRITERS_FOLDER, CaseId, resolve_inside
from MSSoftSegLib.library.locking import lock_file

COMMIT = "commit.json"
# A pending folder without a decision that is older than this belongs to a writer that was killed.
ABANDONED_AFTER_S = 24 * 3600.0


class Commit(BaseModel, frozen=True, extra="forbid"):
    """A decided change. moves: staged file name to final relative name; removals: relative names."""

    record: CaseRecord
    moves: dict[str, str]
    removals: tuple[str, ...] = ()


def check_reachable(library: Path) -> None:
    """BadLibrary where the library is gone: deleted, moved, or on a disk that was unmounted, which leaves an empty folder."""
    if not (library / DESCRIPTION).is_file():
        raise BadLibrary(
            f"the case library {library.name} cannot be reached",
            remedy="connect its disk or network share, or see where its folder is, then try again",
        )


@contextmanager
def watch_reachable(library: Path) -> Iterator[None]:
    """Whatever fails in the block fails as BadLibrary where the library is gone meanwhile: no other remedy would help."""
    try:
        yield
    except (MSSoftSegError, OSError):
        check_reachable(library)
        raise


def check_arrived(library: Path, record: CaseRecord) -> None:
    """BadLibrary where a case that was just put in place is not there: the library went away while it was written to.

    Only what no other writer ever takes away is looked for: the record, images, raters' masks.
    """
    check_reachable(library)
    case = record.case_id
    names = [case.record, *map(case.image, record.images), *map(case.rater_mask, record.raters)]
    lost = [name.name for name in names if not resolve_inside(library, name).is_file()]
    if lost:
        raise BadLibrary(
            f"{lost[0]} of {case} is not in {library.name}, though it was put there",
            remedy="see whether somebody moves or deletes files of the case library, then add the case again",
        )


@contextmanager
def stage_in_place(library: Path) -> Iterator[Path]:
    """A folder of one's own for files on their way in; what is still there when the block ends is removed."""
    check_reachable(library)
    pending = _pending_folder(library)
    folder = pending / secrets.token_hex(8)
    try:
        pending.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        _remove_abandoned(pending, now_s=folder.stat().st_mtime)
    except OSError as problem:
        if problem.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise RequestError(
            f"{library.name} may not be written to", remedy="ask for permission to write to the case library"
        ) from None
    try:
        yield folder
    finally:
        # A decided change that could not be carried out (full disk) stays for the next writer.
        if not (folder / COMMIT).exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def lock_patient(library: Path, case: CaseId) -> Iterator[None]:
    """Nobody else changes this patient's cases meanwhile; changes that a killed writer had decided are done first.

    The lock ignores case: on many network shares ``sub-a`` and ``sub-A`` are one folder.
    """
    check_reachable(library)
    with lock_file(library / WRITERS_FOLDER / "locks" / f"sub-{case.patient.casefold()}.lock"):
        for folder, commit in find_decided(library).items():
            if commit.record.patient.casefold() == case.patient.casefold():
                _carry_out(library, folder, commit)
        yield


def commit_change(
    library: Path,
    folder: Path,
    record: CaseRecord,
    *,
    staged: Mapping[PurePosixPath, Path],
    removals: tuple[PurePosixPath, ...] = (),
) -> None:
    """Put staged files (by final relative name) and the record in place; the patient must be locked."""
    moves = {path.name: str(name) for name, path in staged.items()}
    commit = Commit(record=record, moves=moves, removals=tuple(str(name) for name in removals))
    check_reachable(library)
    write_text(folder / COMMIT, commit.model_dump_json(), scratch=folder)
    _carry_out(library, folder, commit)


def find_decided(library: Path) -> dict[Path, Commit]:
    """Changes that were decided and not yet carried out, by pending folder."""
    found = {}
    for path in sorted(_pending_folder(library).glob(f"*/{COMMIT}")):
        try:
            found[path.parent] = Commit.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValidationError, RequestError):
            raise BadLibrary(
                f"{WRITERS_FOLDER}/pending/{path.parent.name}/{COMMIT} is damaged",
                remedy="delete this folder and add its case again",
            ) from None
    return found


def write_text(path: Path, text: str, *, scratch: Path) -> None:
    """The file appears under its name only when it is complete and on the disk; until then it is in scratch, same disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = scratch / f"{secrets.token_hex(8)}.partial"
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _carry_out(library: Path, folder: Path, commit: Commit) -> None:
    """Everything that was decided; repeating it changes nothing."""
    # Folders are made where they lack: of a library that is gone a new one would be begun.
    check_reachable(library)
    for source, name in commit.moves.items():
        target = resolve_inside(library, PurePosixPath(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        # Gone where an earlier attempt came this far.
        if (folder / source).exists():
            os.replace(folder / source, target)
    add_participant(library, commit.record.patient)
    write_text(resolve_inside(library, commit.record.case_id.record), format_record(commit.record), scratch=folder)
    for name in commit.removals:
        resolve_inside(library, PurePosixPath(name)).unlink(missing_ok=True)
    (folder / COMMIT).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def add_participant(library: Path, patient: str) -> None:
    """A line for the patient in participants.tsv, unless there is one; other lines and columns stay."""
    path = library / PARTICIPANTS
    if f"sub-{patient}" in read_participants(library):
        return
    with lock_file(library / WRITERS_FOLDER / "locks" / "participants.lock"):
        if f"sub-{patient}" in read_participants(library):
            return
        check_reachable(library)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        # A file that was lost is made anew.
        lines = lines or [
            "participant_id",
            *sorted(f.name for f in library.glob("sub-*") if f.name != f"sub-{patient}"),
        ]
        lines.append(f"sub-{patient}" + "\tn/a" * lines[0].count("\t"))
        write_text(path, "\n".join(lines) + "\n", scratch=library / WRITERS_FOLDER)


def read_participants(library: Path) -> set[str]:
    """The ids in participants.tsv."""
    path = library / PARTICIPANTS
    if not path.exists():
        return set()
    return {line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()[1:]}


def _pending_folder(library: Path) -> Path:
    return library / WRITERS_FOLDER / "pending"


def _remove_abandoned(pending: Path, *, now_s: float) -> None:
    """Remove what killed writers left undecided. now_s: by the clock of the disk, for this machine's may be days off."""
    for left in (*pending.iterdir(), *pending.parent.glob("*.partial")):
        try:
            old = now_s - left.stat().st_mtime > ABANDONED_AFTER_S
        except OSError:
            continue
        if old and left.suffix == ".partial":
            with suppress(OSError):
                left.unlink(missing_ok=True)
        elif old and not (left / COMMIT).exists():
            shutil.rmtree(left, ignore_errors=True)
