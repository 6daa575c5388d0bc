"""Two long jobs never make the same output: the second is refused, in a shell, in a process of its own, on another machine."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from MSSoftSegLib.errors import OutputExists
from MSSoftSegLib.jobs.detached.folder import find_jobs_folder
from MSSoftSegLib.jobs.detached.output_owner import keep_output

LOCKS = ".outputs"


@contextmanager
def hold_output(out: Path) -> Iterator[threading.Event]:
    """Hold an output while the block runs; OutputExists where another process holds it, see ``keep_output`` for the event.

    The operating system lets go of a lock when its process ends, however that happens.
    """
    if _is_helper_of_a_cluster():
        yield threading.Event()
        return
    name = hashlib.sha256(os.path.normcase(os.path.realpath(out)).encode()).hexdigest()[:24]
    folder = find_jobs_folder() / LOCKS
    folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(folder / name) as is_ours:
        if not is_ours:
            raise OutputExists(
                f"another job is making {out.name}",
                remedy="choose another --out, or stop that job; see mssoftseg jobs list",
            )
        with keep_output(out) as taken:
            yield taken


@contextmanager
def hold_lock(file: Path) -> Iterator[bool]:
    """Hold a lock file while the block runs; False where another process holds it."""
    with file.open("a+b") as stream:
        try:
            _lock(stream.fileno())
        except OSError:
            yield False
        else:
            yield True


def _lock(descriptor: int) -> None:
    if os.name == "nt":
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        return
    import fcntl

    # Record locks, not flock: those are not inherited by processes that make samples and may live a moment longer.
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_helper_of_a_cluster() -> bool:
    """Whether torchrun or SLURM started this process beside the first, which holds the output for all."""
    return os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) != "0"
