"""Which process works on something, and whether it still lives: a number alone is soon another's, or another machine's."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

# psutil derives a start from the time since boot; it moves a little when the clock is set.
SAME_START_S = 10.0


def identify_process(process: int) -> dict[str, Any]:
    """What tells a process of this machine from every other: number, start, machine."""
    return {"process": process, "started": _started(process), "machine": identify_machine()}


def name_process() -> str:
    """This process in the name of a file that only it writes: its machine's mark and its number."""
    return f"{mark_machine()}-{os.getpid()}"


def is_alive(known: Mapping[str, Any]) -> bool | None:
    """Whether the process of an identity still runs; None where that cannot be told from here (another machine)."""
    process = known.get("process")
    if known.get("machine") != identify_machine() or not isinstance(process, int):
        return None
    now, then = _started(process), known.get("started")
    if now is None or then is None:
        return None if then is None and _exists(process) else False
    if isinstance(now, str) or isinstance(then, str):
        return bool(now == then)
    return abs(float(now) - float(then)) < SAME_START_S


def identify_machine() -> str:
    """This machine since it booted, as processes that see each other's numbers see it."""
    parts = [name_machine()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    return " ".join(parts)


def name_machine() -> str:
    """This machine as processes that see each other's numbers see it: containers can share a host name."""
    parts = [socket.gethostname()]
    card = uuid.getnode()
    # Where no network card is found the number is drawn anew by every process, and bears this bit.
    if not card >> 40 & 1:
        parts.append(f"{card:x}")
    with suppress(OSError, AttributeError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def mark_machine() -> str:
    """Eight hexadecimal digits that stand for this machine's name."""
    return hashlib.sha256(name_machine().encode()).hexdigest()[:8]


def _started(process: int) -> str | float | None:
    """When a process began; None where it is gone, has died unburied, or cannot be asked for."""
    if Path("/proc/self/stat").is_file():
        try:
            # The program's name stands in parentheses and may itself hold spaces and parentheses.
            fields = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
            return None if fields[0] in "ZX" else f"{fields[19]} ticks"
        except (OSError, IndexError):
            return None
    try:
        import psutil
    except ImportError:
        return None
    try:
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else float(found.create_time())
    except psutil.Error:
        return None


def _exists(process: int) -> bool:
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
