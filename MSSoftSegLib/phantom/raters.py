"""Two simulated raters: each draws every border elsewhere, misses small lesions and marks some that are none.

How far their thresholds lie apart is set so that the two agree about as well as human raters do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.phantom.fields import Shape, smooth_field

# Agreement of two experts on MS lesions in FLAIR (Dice): the range is drawn from for each patient.
AGREEMENT = (0.65, 0.73)
BLUR_MM = 0.9
WANDER_MM = 0.8
WANDER_SCALE_MM = 10.0
MIDDLE_LEVEL = 0.42
WIDEST_GAP = 0.36
SEARCH_STEPS = 12
EVERY_NEIGHBOR = np.ones((3, 3, 3))
# A lesion this large is missed with a probability of 1/e times the largest.
MISSED_MM3 = 40.0
MOST_MISSED = 0.5
MOST_FALSE = 4


@dataclass(frozen=True)
class _Drawing:
    """What one rater sees: how much lesion (z, y, x) on her own wandering borders, lesions she misses taken out."""

    seen: np.ndarray
    invented: np.ndarray


def draw_raters(
    truth: np.ndarray, negatives: np.ndarray, spacing_mm: tuple[float, float, float], *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Two rater masks, bool (z, y, x), of a truth fraction on the same grid; negatives: 0–1 where a rater may be fooled.

    The first rater draws generously, the second sparingly.
    """
    target = float(rng.uniform(*AGREEMENT))
    window = _around(truth > 0)
    part, fooling = truth[window], negatives[window]
    drawings = [_drawing(part, fooling, spacing_mm, rng=rng) for _ in range(2)]
    narrow, wide = 0.0, WIDEST_GAP
    for _ in range(SEARCH_STEPS):
        gap = (narrow + wide) / 2
        masks = _masks(drawings, gap)
        if dice(*masks) > target:
            narrow = gap
        else:
            wide = gap
    first, second = (np.zeros(truth.shape, dtype=bool) for _ in range(2))
    first[window], second[window] = _masks(drawings, (narrow + wide) / 2)
    return first, second


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Dice similarity of two masks; 1 where both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def _masks(drawings: list[_Drawing], gap: float) -> tuple[np.ndarray, np.ndarray]:
    generous, sparing = drawings
    return (
        (generous.seen > MIDDLE_LEVEL - gap) | generous.invented,
        (sparing.seen > MIDDLE_LEVEL + gap) | sparing.invented,
    )


def _drawing(
    truth: np.ndarray, negatives: np.ndarray, spacing_mm: tuple[float, float, float], *, rng: np.random.Generator
) -> _Drawing:
    in_array_order = np.asarray(spacing_mm[::-1])
    shape: Shape = truth.shape
    kept = truth * ~_missed(truth, float(np.prod(in_array_order)), rng=rng)
    blurred = ndimage.gaussian_filter(kept, BLUR_MM / in_array_order)
    points = np.indices(shape, dtype=np.float32)
    for axis in (1, 2):
        # Raters draw slice by slice: borders wander within the slice.
        wander = smooth_field(shape, WANDER_SCALE_MM / in_array_order, rng=rng)  # type: ignore[arg-type]
        points[axis] += WANDER_MM / in_array_order[axis] * wander
    seen = ndimage.map_coordinates(blurred, points, order=1, prefilter=False)
    return _Drawing(seen, _invented(negatives * (truth <= 0), spacing_mm, rng=rng))


def _missed(truth: np.ndarray, voxel_mm3: float, *, rng: np.random.Generator) -> np.ndarray:
    """Lesions, as bool (z, y, x), that this rater overlooks: the smaller, the likelier."""
    lesions, count = ndimage.label(truth > 0.05, EVERY_NEIGHBOR)
    volume_mm3 = ndimage.sum_labels(truth, lesions, np.arange(count + 1)) * voxel_mm3
    missed = rng.random(count + 1) < MOST_MISSED * np.exp(-volume_mm3 / MISSED_MM3)
    missed[0] = False
    return np.asarray(missed[lesions])


def _invented(negatives: np.ndarray, spacing_mm: tuple[float, float, float], *, rng: np.random.Generator) -> np.ndarray:
    """A few small marks where something looks like lesion."""
    marks = np.zeros(negatives.shape, dtype=bool)
    candidates = np.argwhere(negatives > 0.5)
    if len(candidates) == 0:
        return marks
    offsets = np.indices(negatives.shape).astype(np.float32)
    for _ in range(int(rng.integers(1, MOST_FALSE + 1))):
        center = candidates[rng.integers(len(candidates))]
        radius_mm = rng.uniform(1.6, 3.0)
        squared = sum(((o - c) * s) ** 2 for o, c, s in zip(offsets, center, spacing_mm[::-1], strict=True))
        marks |= (np.asarray(squared) <= radius_mm**2) & (negatives > 0.1)
    return marks


def _around(mask: np.ndarray) -> tuple[slice, slice, slice]:
    """The window that holds a mask and a margin; everything, where the mask is empty."""
    margin = 6
    slices = []
    for axis in range(3):
        occupied = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        first, last = (occupied[0], occupied[-1]) if occupied.size else (0, mask.shape[axis] - 1)
        slices.append(slice(max(0, int(first) - margin), min(mask.shape[axis], int(last) + margin + 1)))
    z, y, x = slices
    return z, y, x
