"""A long job steps back behind whoever waits in front of the screen."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

# Of 19. A thread at 10 gets about a tenth of a processor that one at 0 wants too.
NICE = 10


def step_back(niceness: int = NICE) -> None:
    """Lower this process' priority and that of what it starts; on Windows it was started with a lower one."""
    if niceness <= 0 or not hasattr(os, "nice"):
        return
    with suppress(OSError):
        os.nice(niceness)
    # Desktop kernels share the processor between sessions before they look at niceness within one; the job has its own.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")
