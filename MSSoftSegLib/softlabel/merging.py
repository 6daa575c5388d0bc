"""Several raters become one: certain lesion, and voxels that are soft before anything is dilated (Docs/methods.md section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.softlabel.settings import SoftLabelSettings


@dataclass(frozen=True)
class Merged:
    """Raters merged, before softening. core: bool (z, y, x). value: float32 (z, y, x), 0–1, exactly 1 in the core."""

    core: np.ndarray
    value: np.ndarray


def merge_raters(label_maps: Sequence[np.ndarray], settings: SoftLabelSettings) -> Merged:
    """Merge N ≥ 1 label maps, uint8 (z, y, x), 1 = lesion, 2 = possible lesion.

    The merge looks at certain lesion only: intersection = all raters, union = any, soft-union = all, with gamma where some
    but not all, mean = share of the raters. One rater is taken as it is. What any rater calls possible then holds gamma at
    least: it is never core, and the larger value stands where the merge gave one.
    """
    marks = np.zeros(label_maps[0].shape, np.uint8 if len(label_maps) < 256 else np.uint32)
    possible = np.zeros(label_maps[0].shape, bool)
    for labels in label_maps:
        marks += labels == LESION
        possible |= labels == POSSIBLE_LESION
    all_agree, any_marks = marks == len(label_maps), marks > 0
    core = any_marks if settings.merge == "union" else all_agree
    value = core.astype(np.float32)
    if settings.merge == "mean":
        value = (marks / np.float32(len(label_maps))).astype(np.float32)
    elif settings.merge == "soft-union":
        value[any_marks & ~all_agree] = settings.gamma
    value[possible] = np.maximum(value[possible], np.float32(settings.gamma))
    return Merged(core=core, value=value)
