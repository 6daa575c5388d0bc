"""One writer at a time, on disks that several machines share: a file that only one of them can create.

O_EXCL is atomic on local disks, NFS and SMB alike, where advisory locks are not dependable. A holder shows every few seconds
that it lives, so a lock that does not change for a minute belongs to a writer that died. That is judged by the waiting process's
own clock: the clocks of two machines need not agree.
"""

from __future__ import annotations

import json
import logging
import os
import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from MSSoftSegLib.disk_clock import read_disk_clock_s
from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.process_identity import name_machine

LOGGER = logging.getLogger(__name__)
ABANDONED_AFTER_S = 60.0
GIVE_UP_AFTER_S = 300.0
LONGEST_PAUSE_S = 0.2
# Derived from the time since boot, a start time moves a little when the clock is set.
SAME_START_S = 10.0
BREAKING = "breaking"
# Tokens of the locks that this process holds: any other lock of its own was left where its disk went away and came back.
_HELD = {BREAKING}


@contextmanager
def lock_file(lock: Path) -> Iterator[None]:
    """Hold the lock file while the block runs; waits for another holder, and outlives one that was killed."""
    token = _acquire(lock)
    done = threading.Event()
    beating = threading.Thread(target=_beat, args=(lock, token, done), daemon=True)
    beating.start()
    try:
        yield
    finally:
        done.set()
        beating.join()
        _HELD.discard(token)
        # Whoever took an abandoned-looking lock over owns it now.
        if _owner(lock).get("token") == token:
            with suppress(FileNotFoundError):
                os.unlink(lock)


def _acquire(lock: Path) -> str:
    token = secrets.token_hex(8)
    _HELD.add(token)
    started_s, seen, seen_since_s, pause_s = time.monotonic(), "", time.monotonic(), 0.002
    while not _create(lock, token):
        owner = _owner(lock)
        now_s = time.monotonic()
        if str(owner) != seen:
            seen, seen_since_s = str(owner), now_s
        is_dead = _is_dead(owner)
        if is_dead or now_s - seen_since_s > ABANDONED_AFTER_S:
            if _break(lock, owner) and not is_dead:
                LOGGER.warning(
                    "another writer's lock on the case library, of %s, did not change for %.0f s and was taken over",
                    _place(owner),
                    ABANDONED_AFTER_S,
                )
            continue
        if now_s - started_s > GIVE_UP_AFTER_S:
            raise BadLibrary("another writer keeps the case library busy", remedy="wait until it is done and run again")
        # Waiters that sleep equally long would meet again and again.
        time.sleep(pause_s * random.uniform(0.5, 1.0))
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
    return token


def _beat(lock: Path, token: str, done: threading.Event) -> None:
    """Change the lock now and then, for a save to a slow share takes longer than a minute."""
    beat = 0
    while not done.wait(ABANDONED_AFTER_S / 6):
        beat += 1
        # Another's lock is not touched: it took ours for abandoned.
        with suppress(OSError):
            if _owner(lock).get("token") == token:
                with lock.open("r+", encoding="utf-8") as stream:
                    stream.write(_content(token, beat))


def _content(token: str, beat: int = 0) -> str:
    """Who holds a lock; of one length for a process, so that it can be written over."""
    owner = {"token": token, "machine": name_machine(), "process": os.getpid(), "started": _started(os.getpid())}
    return json.dumps({**owner, "beat": f"{beat:08d}"})


def _create(lock: Path, token: str) -> bool:
    """Whether the lock is ours now."""
    content = _content(token)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    except PermissionError:
        # Windows reports a lock that is just being deleted in this way.
        if lock.exists():
            return False
        raise RequestError("the case library may not be written to", remedy="ask for permission to write") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
    except OSError:
        # On a full disk an empty lock would look like somebody else's for a minute.
        lock.unlink(missing_ok=True)
        raise
    return True


def _owner(lock: Path) -> dict[str, object]:
    """Who holds the lock; empty where nobody does, or its file is just being written."""
    try:
        owner = json.loads(lock.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _is_dead(owner: dict[str, object]) -> bool:
    """Whether the holder ran on this machine and does so no more, or holds this lock no more."""
    process = owner.get("process")
    if owner.get("machine") != name_machine() or not isinstance(process, int):
        return False
    if process == os.getpid() and owner.get("token") not in _HELD:
        return True
    then, since = owner.get("started"), _started(process)
    if since is None or not isinstance(then, float):
        return not psutil.pid_exists(process)
    return abs(since - then) > SAME_START_S


def _place(owner: dict[str, object]) -> str:
    """Where a holder runs, in the user's words; it may be alive there, and only its disk be away."""
    machine = str(owner.get("machine", "")).split()
    return f"the machine {machine[0]}" if machine and owner.get("machine") != name_machine() else "a silent process"


def _break(lock: Path, abandoned: dict[str, object]) -> bool:
    """Remove a lock that is still the abandoned one; a second lock keeps two waiters from removing each other's.

    Whether it was removed.
    """
    breaker = lock.with_name(lock.name + ".breaking")
    if not _create(breaker, BREAKING):
        breaking = _owner(breaker)
        if _is_dead(breaking) or _age_s(breaker) > ABANDONED_AFTER_S:
            breaker.unlink(missing_ok=True)
        time.sleep(LONGEST_PAUSE_S * random.uniform(0.1, 1.0))
        return False
    try:
        is_still_it = _owner(lock) == abandoned
        if is_still_it:
            lock.unlink(missing_ok=True)
        return is_still_it
    finally:
        breaker.unlink(missing_ok=True)


def _age_s(path: Path) -> float:
    """How long ago a file was written; 0 where that cannot be told."""
    now_s = read_disk_clock_s(path.parent)
    try:
        return 0.0 if now_s is None else now_s - path.stat().st_mtime
    except OSError:
        return 0.0


def _started(process: int) -> float | None:
    """When a process began, which tells it from a later one of the same number; None where it is unknown."""
    try:
        return float(psutil.Process(process).create_time())
    except psutil.Error:
        return None
