"""Result folders are complete or absent: written beside their place, then renamed.

What is beside a target bears its writer's machine and process. Of processes of this machine it is known whether they live; what
another machine, or another container, left may be somebody's at work: it stays, and the user is told.
"""

from __future__ import annotations

import errno
import glob
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from MSSoftSegLib.disk_clock import read_disk_clock_s
from MSSoftSegLib.errors import OutputExists, RequestError
from MSSoftSegLib.process_identity import mark_machine, name_process
from MSSoftSegLib.result_files import CHANGE_FILE, FACTS_FILE, WORKING_FACTS_FILE

LOGGER = logging.getLogger(__name__)
# Scratch of another machine to which nothing was written for so long is nobody's: no command of ours is silent for a day.
ABANDONED_AFTER_S = 24 * 3600.0

# What tells a folder that this software wrote (results, working images, bundles, demos, synthetic patients) from anybody's own.
MARKERS = (
    FACTS_FILE,
    WORKING_FACTS_FILE,
    "model.json",
    f"result/{FACTS_FILE}",
    "prepared.json",
    "metrics.json",
    "comparison.json",
    "model_comparison.json",
    "patient-000/draws.json",
    "export.json",
    "regions.json",
    CHANGE_FILE,
    "cohort_exam.json",
)


def check_target(target: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse a target that is a file, or a folder that holds something and may not be overwritten.

    Overwriting is for folders that this software wrote, and never for one that holds an input or the current folder. What
    killed runs of ours left beside it is tidied up first: an old result that was set aside is put back.
    """
    _put_back(target)
    remove_abandoned(target, own=False)
    if target.exists() and not target.is_dir():
        raise OutputExists(f"{target.name} is a file, not a folder", remedy="choose another --out")
    check_can_be_made(target)
    if not target.is_dir() or not any(target.iterdir()):
        return
    if not overwrite:
        raise OutputExists(
            f"the output folder {target.name} is not empty", remedy="choose another --out, or add --overwrite"
        )
    kept = [Path.cwd(), Path.home(), *(path.resolve() for path in inputs)]
    if not _is_ours(target) or any(path.is_relative_to(target.resolve()) for path in kept):
        raise OutputExists(
            f"the output folder {target.resolve().name} holds more than a result of MSSoftSeg and is not overwritten",
            remedy="choose another --out",
        )


def check_can_be_made(target: Path) -> None:
    """Refuse a place that cannot be written to now, rather than after an hour of computing."""
    place = target.absolute().parent
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise RequestError(
            f"{target.name} cannot be made below the file {place.name}", remedy="choose an --out below a folder"
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise RequestError(
            f"the folder for {target.name} cannot be written to", remedy="choose an --out that you may write to"
        )


@contextmanager
def write_completely(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """A folder to write into, which becomes ``target`` when the block ends well and vanishes when it does not."""
    target = target.absolute()
    check_target(target, overwrite=overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(target)
        _tell_of_other_machines(target)
        partial = name_partial(target)
        partial.mkdir()
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise RequestError(
            f"the folder for {target.name} cannot be written to", remedy="choose an --out that you may write to"
        ) from None
    try:
        yield partial
        # Another run may have finished here meanwhile: its result is not ours to replace.
        check_target(target, overwrite=overwrite)
        _put_in_place(partial, target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _put_in_place(partial: Path, target: Path) -> None:
    """Rename; an old result steps aside first and is removed last, so that one of the two is always whole."""
    aside = target.parent / f".{target.name}.replaced-{name_process()}"
    if target.exists():
        os.replace(target, aside)
    try:
        os.replace(partial, target)
    except OSError:
        if aside.exists():
            os.replace(aside, target)
        raise
    _discard(aside, target)


@contextmanager
def make_scratch_beside(target: Path) -> Iterator[Path]:
    """A folder beside a target file, to write into what is then renamed to it; gone when the block ends."""
    folder = name_partial(target.absolute())
    remove_abandoned(target)
    _tell_of_other_machines(target)
    try:
        folder.mkdir()
    except FileNotFoundError:
        raise RequestError(f"there is no folder to write {target.name} into", remedy="make the folder first") from None
    except PermissionError:
        raise RequestError(
            f"the folder for {target.name} cannot be written to", remedy="choose an --out that you may write to"
        ) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def name_partial(target: Path) -> Path:
    """Where this process writes what will be renamed to a target, a folder or a file: beside it, hidden."""
    return target.with_name(f".{target.name}.partial-{name_process()}")


def remove_abandoned(target: Path, *, own: bool = True) -> None:
    """Remove what killed processes of ours left for this target.

    own: also what bears this process' number: a dead one's that had it before, unless this one is writing there.
    """
    for leftover in _left_by_the_dead(target, "partial"):
        if leftover.name == name_partial(target).name and not own:
            continue
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def _put_back(target: Path) -> None:
    """Where a run was killed between the two renamings the old result becomes the target again.

    It is thrown away only where a result of ours has taken its place; beside anything else it may be the only copy.
    """
    for aside in _left_by_the_dead(target, "replaced"):
        # Where it may not be written to, the checks that follow say so.
        with suppress(OSError):
            if target.is_dir() and not any(target.iterdir()):
                target.rmdir()
            if not target.exists():
                os.replace(aside, target)
            elif _is_ours(target):
                _discard(aside, target)


def _discard(aside: Path, target: Path) -> None:
    """Throw away an old result under the name of scratch: one that is half gone must never be put back."""
    if aside.exists():
        with suppress(OSError):
            remove_whole(aside, target)


def remove_whole(folder: Path, target: Path) -> None:
    """Remove a folder at once, as others see it: it becomes scratch of ``target``, which the next call for that target tidies up.

    Raises OSError where it cannot be renamed; then nothing is removed. One that another process took away is removed.
    """
    leaving = name_partial(target)
    with suppress(FileNotFoundError):
        os.replace(folder, leaving)
    if leaving.is_symlink():
        # What it led to is not ours.
        leaving.unlink(missing_ok=True)
    else:
        shutil.rmtree(leaving, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    return any((folder / marker).is_file() for marker in MARKERS)


def _left_by_the_dead(target: Path, what: str) -> list[Path]:
    """What processes that are no more left beside a target; scratch also of other machines, where nobody works on it any more."""
    dead = []
    for leftover, machine, process in _find_left(target, what):
        if machine == mark_machine():
            is_dead = process == os.getpid() or not psutil.pid_exists(process)
        else:
            is_dead = what == "partial" and _is_untouched(leftover)
        if is_dead:
            dead.append(leftover)
    return dead


def _find_left(target: Path, what: str) -> Iterator[tuple[Path, str, int]]:
    """What lies beside a target under a name of ours, whose machine's mark and process it bears."""
    prefix = f".{target.name}.{what}-"
    for leftover in target.absolute().parent.glob(f"{glob.escape(prefix)}*"):
        # Exactly a mark and a process' number: a user's own name may resemble ours.
        owner = re.fullmatch("([0-9a-f]{8})-([0-9]{1,9})", leftover.name.removeprefix(prefix), re.ASCII)
        if owner is not None:
            yield leftover, owner[1], int(owner[2])


def _is_untouched(leftover: Path) -> bool:
    """Whether nothing in it was written to for a day."""
    now_s = read_disk_clock_s(leftover.parent)
    try:
        last_s = max(path.stat().st_mtime for path in (leftover, *leftover.rglob("*")))
    except OSError:
        # It changes at this moment.
        return False
    return now_s is not None and now_s - last_s > ABANDONED_AFTER_S


def _tell_of_other_machines(target: Path) -> None:
    """Warn of what a run on another machine has beside a target: whether that run lives cannot be seen from here."""
    remedies = {
        "partial": "delete it if that run is over",
        "replaced": f"it is an earlier {target.name}, set aside; if that run is over, keep it under another name or delete it",
    }
    for what, remedy in remedies.items():
        for leftover, machine, _ in _find_left(target, what):
            if machine != mark_machine():
                LOGGER.warning(
                    "%s is of a run on another machine or in another container, which may be at work, and stays — %s",
                    leftover.name,
                    remedy,
                )
