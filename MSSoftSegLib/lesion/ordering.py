"""Which lesion to look at first: the report and the Slicer panel list the least certain one on top."""

from __future__ import annotations

from collections.abc import Iterable

from MSSoftSegLib.lesion.measurement import Lesion


def sort_least_certain_first(lesions: Iterable[Lesion]) -> tuple[Lesion, ...]:
    """Lesions by falling LSU, then by falling mean entropy, then by rising id."""
    return tuple(sorted(lesions, key=lambda lesion: (-lesion.lsu, -lesion.mean_entropy_nats, lesion.id)))
