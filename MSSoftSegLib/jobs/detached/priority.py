"""A long job steps back behind whoever waits in front of the screen."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# Of 19. A thread at 10 gets about a tenth of a processor that one at 0 wants too.
NICENESS = 10
VARIABLE = "MSSOFTSEG_JOB_NICENESS"


def niceness() -> int:
    """How far a long job steps back, 0–19; a machine that does nothing else can be told otherwise by the variable."""
    try:
        return min(19, max(0, int(os.environ[VARIABLE])))
    except (KeyError, ValueError):
        return NICENESS


def step_back() -> None:
    """Lower this process' priority and that of what it starts; on Windows it was started with a lower one."""
    by = niceness()
    if by == 0 or not hasattr(os, "nice"):
        return
    with suppress(OSError):
        os.nice(by)
    # Desktop kernels share the processor between sessions before they look at niceness within one; the job has its own.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(by), encoding="ascii")
