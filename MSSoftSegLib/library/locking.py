"""One writer at a time, on disks that several machines share: a file that only one of them can create.

O_EXCL is atomic on local disks, NFS and SMB alike, where advisory locks are not dependable. A holder shows every few seconds
that it lives, so a lock that does not change for a minute belongs to a writer that died. That is judged by the waiting process's
own clock: the clocks of two machines need not agree.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from MSSoftSegLib.errors import BadLibrary, RequestError

ABANDONED_AFTER_S = 60.0
GIVE_UP_AFTER_S = 300.0
LONGEST_PAUSE_S = 0.2
# Derived from the time since boot, a start time moves a little when the clock is set.
SAME_START_S = 10.0


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
        # Whoever took an abandoned-looking lock over owns it now.
        if _owner(lock).get("token") == token:
            with suppress(FileNotFoundError):
                os.unlink(lock)


def _acquire(lock: Path) -> str:
    token = secrets.token_hex(8)
    started_s, seen, seen_since_s, pause_s = time.monotonic(), "", time.monotonic(), 0.002
    while not _create(lock, token):
        owner = _owner(lock)
        now_s = time.monotonic()
        if str(owner) != seen:
            seen, seen_since_s = str(owner), now_s
        if _is_dead(owner) or now_s - seen_since_s > ABANDONED_AFTER_S:
            _break(lock, owner)
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
    owner = {"token": token, "machine": _machine(), "process": os.getpid(), "started": _started(os.getpid())}
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
    """Whether the holder ran on this machine and does so no more."""
    process = owner.get("process")
    if owner.get("machine") != _machine() or not isinstance(process, int):
        return False
    then, since = owner.get("started"), _started(process)
    if since is None or not isinstance(then, float):
        return not psutil.pid_exists(process)
    return abs(since - then) > SAME_START_S


def _break(lock: Path, abandoned: dict[str, object]) -> None:
    """Remove a lock that is still the abandoned one; a second lock keeps two waiters from removing each other's."""
    breaker = lock.with_name(lock.name + ".breaking")
    if not _create(breaker, "breaking"):
        breaking = _owner(breaker)
        if _is_dead(breaking) or _age_s(breaker) > ABANDONED_AFTER_S:
            breaker.unlink(missing_ok=True)
        time.sleep(LONGEST_PAUSE_S * random.uniform(0.1, 1.0))
        return
    try:
        if _owner(lock) == abandoned:
            lock.unlink(missing_ok=True)
    finally:
        breaker.unlink(missing_ok=True)


def _age_s(path: Path) -> float:
    """How long ago a file was written, by the clock of the disk that it lies on: ours may be days off."""
    probe = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        probe.touch()
        return probe.stat().st_mtime - path.stat().st_mtime
    except OSError:
        return 0.0
    finally:
        with suppress(OSError):
            probe.unlink()


def _machine() -> str:
    """This machine, as processes that see each other's numbers see it: containers can share a host name."""
    namespace = ""
    with suppress(OSError, AttributeError):
        namespace = os.readlink("/proc/self/ns/pid")
    return f"{socket.gethostname()} {uuid.getnode():x} {namespace}".strip()


def _started(process: int) -> float | None:
    """When a process began, which tells it from a later one of the same number; None where it is unknown."""
    try:
        return float(psutil.Process(process).create_time())
    except psutil.Error:
        return None
