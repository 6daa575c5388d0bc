"""What time it is by the clock of a disk, which dates its files: our own clock may be days off, or be set meanwhile."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path


def read_disk_clock_s(folder: Path) -> float | None:
    """The time that a file made in the folder now bears, seconds since 1970; None where none can be made."""
    probe = folder / f".{secrets.token_hex(8)}.clock"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return None
    finally:
        with suppress(OSError):
            probe.unlink()
