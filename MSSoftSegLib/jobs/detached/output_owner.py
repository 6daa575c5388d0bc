"""Whose an output is, on disks that several machines share: a file beside it, ``.OUT.owner``, that its job writes to as it works.

Locks of the operating system hold on one machine only, and another machine's process cannot be asked for. An owner that has
written within the last minute is at work. One that has not cannot be known to be dead: its output is taken over with a warning,
and where it lives after all it finds the file another's, and stops.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from MSSoftSegLib.disk_clock import read_disk_clock_s
from MSSoftSegLib.errors import JobCancelled, OutputExists
from MSSoftSegLib.jobs.detached.folder import read_document
from MSSoftSegLib.process_identity import identify_process, is_alive

LOGGER = logging.getLogger(__name__)
BEAT_S = 10.0
SILENT_AFTER_S = 60.0


def name_owner_file(out: Path) -> Path:
    """Beside an output, where every machine that can write the output sees it."""
    return out.absolute().parent / f".{out.name}.owner"


@contextmanager
def keep_output(out: Path) -> Iterator[threading.Event]:
    """Own an output while the block runs; OutputExists where a job owns it that lives, here or on another machine.

    The event is set once another machine has taken the output over; a block that then lets itself be cancelled fails with
    OutputExists. Where the folder of the output is not there yet, the file is made once it is.
    """
    file, token = name_owner_file(out), secrets.token_hex(8)
    _claim(file, token, out.name)
    taken, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=_beat, args=(file, token, taken, over), name="owner", daemon=True)
    thread.start()
    try:
        yield taken
    except JobCancelled:
        if not taken.is_set():
            raise
        raise OutputExists(
            f"{out.name} was taken over by a job on another machine, which had seen no sign of life of this one",
            remedy="leave it to that job, or stop that one and resume this",
        ) from None
    finally:
        over.set()
        thread.join()
        if _token(file) == token:
            with suppress(OSError):
                file.unlink()


def _claim(file: Path, token: str, name: str) -> None:
    """Make the file ours; a dead owner's is taken at once, a silent one's with a warning."""
    while not _create(file, token):
        owner = read_document(file)
        if owner is None:
            # Gone meanwhile, or no file can be read or made here: the job's own first file says so better.
            if not file.exists():
                continue
            owner = {}
        alive = is_alive(owner)
        if alive or (alive is None and _is_heard(file, owner)):
            raise OutputExists(
                f"another job is making {name}, {_place(owner)}",
                remedy="choose another --out, or stop that job where it runs",
            )
        if alive is None:
            LOGGER.warning(
                "%s was being made %s, by a job that has shown no sign of life for a minute: it is taken over; should that "
                "job still run, it stops by itself",
                name,
                _place(owner),
            )
        with suppress(OSError):
            _put(file, token)
        return


def _create(file: Path, token: str) -> bool:
    """Whether there was no file; also where none can be made, which is not this file's to say."""
    try:
        with file.open("x", encoding="utf-8") as stream:
            try:
                stream.write(_content(token, 0))
                stream.flush()
            except OSError:
                # On a full disk an empty file would look like somebody else's.
                file.unlink(missing_ok=True)
                raise
    except FileExistsError:
        return False
    except OSError:
        return True
    return True


def _put(file: Path, token: str) -> None:
    """Take another's place at once, so that there is never none."""
    ours = file.with_name(f"{file.name}.{token}")
    try:
        ours.write_text(_content(token, 0), encoding="utf-8")
        os.replace(ours, file)
    finally:
        ours.unlink(missing_ok=True)


def _is_heard(file: Path, owner: Mapping[str, Any]) -> bool:
    """Whether an owner that cannot be asked for has written lately, by its disk's clock, or does so while it is watched."""
    now_s = read_disk_clock_s(file.parent)
    try:
        if now_s is not None and now_s - file.stat().st_mtime > SILENT_AFTER_S:
            return False
    except OSError:
        return False
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < SILENT_AFTER_S:
        time.sleep(SILENT_AFTER_S / 60)
        if (read_document(file) or {}) != owner:
            return True
    return False


def _beat(file: Path, token: str, taken: threading.Event, over: threading.Event) -> None:
    number = 0
    while not over.wait(BEAT_S):
        number += 1
        found = _token(file)
        if found is not None and found != token:
            taken.set()
            return
        with suppress(OSError):
            if found is None:
                # A share that was away, or a folder that was only just made.
                _create(file, token)
                continue
            # Into the file that was opened: where another's takes its name now, that one stays whole.
            with file.open("r+", encoding="utf-8") as stream:
                stream.write(_content(token, number))


def _content(token: str, beat: int) -> str:
    """The owner; of one length for a process, so that it can be written over."""
    return json.dumps({**identify_process(os.getpid()), "token": token, "beat": f"{beat:08d}"})


def _token(file: Path) -> str | None:
    """The token in an owner's file; None where there is no such file, or it is just being written."""
    document = read_document(file)
    return None if document is None else str(document.get("token"))


def _place(owner: Mapping[str, Any]) -> str:
    """Where an owner runs."""
    machine = str(owner.get("machine", "")).split()
    return f"on the machine {machine[0]}" if machine else "somewhere else"
