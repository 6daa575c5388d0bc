"""Killing a process with everything that it started: HD-BET runs as a child of the worker."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

# Listing processes by `ps` takes some 10 ms; a hanging one must not hang the panel.
PATIENCE_S = 2.0
# On Windows a console would flash up over the images.
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)


def kill_process_tree(process_id: int) -> None:
    """Kill the process and all its descendants at once; those that are gone already are no error."""
    if os.name == "nt":
        _run(["taskkill", "/PID", str(process_id), "/T", "/F"])
        return
    # Its children are looked up first: once it is dead they belong to another parent.
    for each in (process_id, *find_descendants(process_id, _parents())):
        try:
            os.kill(each, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def find_descendants(process_id: int, parents: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Children, grandchildren and so on, by rising depth. parents: (process, its parent) of every process."""
    children: dict[int, list[int]] = {}
    for child, parent in parents:
        children.setdefault(parent, []).append(child)
    found: list[int] = []
    waiting, seen = [process_id], {process_id}
    while waiting:
        for child in children.get(waiting.pop(0), []):
            if child not in seen:
                seen.add(child)
                found.append(child)
                waiting.append(child)
    return tuple(found)


def _parents() -> list[tuple[int, int]]:
    if Path("/proc/self/stat").is_file():
        return [pair for entry in Path("/proc").iterdir() if entry.name.isdigit() for pair in _parent_by_proc(entry)]
    lines = (line.split() for line in _run(["ps", "-A", "-o", "pid=,ppid="]).splitlines())
    return [(int(fields[0]), int(fields[1])) for fields in lines if len(fields) == 2]


def _parent_by_proc(entry: Path) -> list[tuple[int, int]]:
    try:
        # The program's name stands in parentheses and may itself hold spaces and parentheses.
        after_name = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
    return [(int(entry.name), int(after_name[1]))]


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, creationflags=NO_WINDOW
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
