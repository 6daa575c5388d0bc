"""The eight flips of test-time augmentation (Docs/methods.md section 3)."""

from __future__ import annotations

from itertools import combinations

SPATIAL_AXES = (2, 3, 4)


def flips(tta: str) -> tuple[tuple[int, ...], ...]:
    """Axes to flip for each member: every subset of the three for 'flips8', none for 'none'; tensors are (b, c, z, y, x)."""
    if tta == "none":
        return ((),)
    if tta != "flips8":
        raise ValueError(f"unknown test-time augmentation {tta!r}")
    return tuple(subset for size in range(4) for subset in combinations(SPATIAL_AXES, size))
