"""What the numbers in a mask say, in words: a value that means something else must be seen before it is counted as lesion.

Ours: 0 = none, 1 = lesion, 2 = possible lesion. Other tools write 0/255, 0/2, regions, numbers of lesions, or the inverse.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION

# The heaviest lesion loads that are published are below 15 % of a brain.
LARGEST_SHARE_OF_BRAIN = 0.3
# Below this share of what is marked, label 2 is the doubt at a border that it is meant to be.
REMARKABLE_SHARE_POSSIBLE = 0.1
LISTED_VALUES = 6
HALF = 0.5


def value_counts(array: np.ndarray) -> dict[int, int]:
    """Voxels by value above 0, of whole numbers."""
    values, counts = np.unique(array[array > 0], return_counts=True)
    return {int(value): int(count) for value, count in zip(values, counts, strict=True)}


def describe_counts(counts: dict[int, int]) -> str:
    """``1 (120 voxels), 2 (98 voxels)``, shortened where there are many."""
    listed = [f"{value} ({describe_voxel_count(count)})" for value, count in sorted(counts.items())[:LISTED_VALUES]]
    more = len(counts) - LISTED_VALUES
    return ", ".join(listed) + (f" and {more} more" if more > 0 else "")


def describe_voxel_count(count: int) -> str:
    """So many voxels."""
    return f"{count} voxel{'' if count == 1 else 's'}"


def find_mask_doubts(labels: np.ndarray, *, name: str, brain: np.ndarray | None = None) -> tuple[str, ...]:
    """What is implausible about a rater's label map (0, 1, 2; z, y, x), each a sentence; nothing where all is well.

    brain: bool, the same shape; what lesions can lie in (FLAIR ≠ 0 will do). name: the mask's, for the sentences.
    """
    counts = value_counts(labels)
    marked = sum(counts.values())
    if marked == 0:
        return (f"{name} marks no voxel at all: right only for an exam without lesions",)
    if marked == labels.size:
        return (f"{name} marks every voxel of the image as lesion: is it inverted, or a mask of the field of view?",)
    found = []
    inside = brain if brain is not None and brain.any() else np.ones(labels.shape, bool)
    share = float(np.count_nonzero(labels[inside])) / float(np.count_nonzero(inside))
    if share > LARGEST_SHARE_OF_BRAIN:
        what = "image" if inside.all() else "brain"
        found.append(
            f"{name} marks {share:.0%} of the whole {what} ({describe_voxel_count(marked)}), more than any load of lesions: "
            "is it inverted, or a mask of the brain?"
        )
    possible = counts.get(POSSIBLE_LESION, 0)
    if possible == marked:
        found.append(
            f"{name} holds no value but {POSSIBLE_LESION} ({describe_voxel_count(possible)}): all of it is taken for possible "
            f"lesion, none for lesion; write {LESION} where lesion is meant"
        )
    elif possible > REMARKABLE_SHARE_POSSIBLE * marked:
        found.append(
            f"{name} holds the values {describe_counts(counts)}: {POSSIBLE_LESION} is taken for possible lesion; "
            f"write {LESION} where regions or lesions are numbered"
        )
    return tuple(found)


def find_soft_doubts(soft: np.ndarray, *, name: str, brain: np.ndarray | None = None) -> tuple[str, ...]:
    """What is implausible about a soft label (0–1; z, y, x), each a sentence; brain as for ``find_mask_doubts``."""
    highest = float(soft.max())
    if 0 < highest < HALF:
        return (f"{name} is nowhere above {highest:.2g}, as no lesion's core is: was it scaled?",)
    inside = soft[brain] if brain is not None and brain.any() else soft
    share = float((inside >= HALF).mean())
    if share > LARGEST_SHARE_OF_BRAIN:
        return (f"{name} is lesion in {share:.0%} of the brain, more than any load of lesions: is it inverted?",)
    return ()


def find_same_masks(masks: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """A sentence on each two raters' masks, by name, that mark the same voxels, every one of them."""
    return tuple(
        f"{one} and {other} are the same mask, voxel by voxel: two raters, or one file twice?"
        for (one, first), (other, second) in itertools.combinations(masks.items(), 2)
        if first.any() and np.array_equal(first, second)
    )


def check_lies_in_brain(inside: np.ndarray, brain: np.ndarray, *, name: str, whose: str) -> None:
    """Refuse lesions (bool, z, y, x) that fill the brain (bool) or lie beside it; nothing at all may be marked."""
    if not inside.any():
        return
    if (inside & brain).sum() > LARGEST_SHARE_OF_BRAIN * brain.sum():
        raise BadImage(
            f"{name} marks {(inside & brain).sum() / max(brain.sum(), 1):.0%} of {whose} as lesion",
            remedy="give the mask of the lesions, not one of the brain",
        )
    if (inside & brain).sum() < 0.5 * inside.sum():
        raise BadImage(
            f"most of what {name} marks lies outside {whose}",
            remedy="give the mask that was drawn on this exam's image",
        )
