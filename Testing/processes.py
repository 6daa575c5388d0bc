"""Whether processes that a test left to die are gone."""

from __future__ import annotations

import time

import psutil

from Testing.patience import HANGING_S


def has_ended(process_id: int) -> bool:
    """Whether a process is gone, or waits for nothing but its parent to take note."""
    try:
        return psutil.Process(process_id).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True


def ends(process_id: int) -> bool:
    """Whether a process ends: one that was killed closes its files first and lives on for a moment."""
    give_up = time.monotonic() + HANGING_S
    while time.monotonic() < give_up:
        if has_ended(process_id):
            return True
        time.sleep(0.05)
    return False
