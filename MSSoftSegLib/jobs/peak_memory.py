"""The most memory that this process has held."""

from __future__ import annotations

import sys

import psutil

BYTES_PER_MIB = 2**20


def peak_memory_mib() -> float:
    """Peak resident memory of this process in MiB."""
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset / BYTES_PER_MIB)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / BYTES_PER_MIB if sys.platform == "darwin" else peak / 1024
