"""Memory of the process, kept while large arrays come and go, and given back afterwards.

glibc hands every large array back to the system as soon as it is freed, and the system clears each page of the next one: a third
of a network's pass. Systems without glibc keep their habits.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8
# One pool for all threads: in a pool of its own a thread would ask the system for every large array. It stays so.
KEEPING = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 2**28, M_ARENA_MAX: 1}
# As glibc starts, but for the threshold, which it would have raised to this by itself.
AS_USUAL = {M_MMAP_MAX: 65536, M_TRIM_THRESHOLD: 2**26, M_TOP_PAD: 2**17}


def keep_memory() -> None:
    """From now on; for a process that ends when its work does."""
    _set(KEEPING)


@contextmanager
def keep_memory_meanwhile() -> Iterator[None]:
    """Within this context, or the function that this decorates; afterwards what is free goes back to the system."""
    keep_memory()
    try:
        yield
    finally:
        _set(AS_USUAL)
        _give_back()


def _set(parameters: Mapping[int, int]) -> None:
    library = _glibc()
    if library is not None:
        for parameter, value in parameters.items():
            library.mallopt(parameter, value)


def _give_back() -> None:
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library with these functions, if it is the one that is used."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
