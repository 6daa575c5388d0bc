"""Lesion-wise detection: how many lesions were found, how many of those found are lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.lesion.instances import CONNECTIVITY_RANK, DEFAULT_CONNECTIVITY


@dataclass(frozen=True)
class Detection:
    """LTPR = truth lesions touched ÷ truth lesions; LFPR = predicted lesions touching no truth ÷ predicted lesions.

    None where the denominator is zero. f1 is the harmonic mean of LTPR and 1 − LFPR; None when both masks are empty.
    """

    truth_lesions: int
    predicted_lesions: int
    ltpr: float | None
    lfpr: float | None
    f1: float | None


def detection(
    truth: np.ndarray, prediction: np.ndarray, *, min_voxels: int = 1, connectivity: int = DEFAULT_CONNECTIVITY
) -> Detection:
    """Compare two masks (z, y, x) lesion by lesion; components below min_voxels are dropped on both sides first."""
    structure = ndimage.generate_binary_structure(3, CONNECTIVITY_RANK[connectivity])
    truth_labels, truth_count = _components(truth, structure, min_voxels)
    found_labels, found_count = _components(prediction, structure, min_voxels)
    both = (truth_labels > 0) & (found_labels > 0)
    touched = len(np.unique(truth_labels[both]))
    confirmed = len(np.unique(found_labels[both]))
    ltpr = touched / truth_count if truth_count else None
    lfpr = 1 - confirmed / found_count if found_count else None
    f1: float | None = None
    if truth_count or found_count:
        recall, precision = ltpr or 0.0, 0.0 if lfpr is None else 1 - lfpr
        f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
    return Detection(truth_count, found_count, ltpr, lfpr, f1)


def _components(mask: np.ndarray, structure: np.ndarray, min_voxels: int) -> tuple[np.ndarray, int]:
    labels, count = ndimage.label(mask != 0, structure)
    keep = np.bincount(labels.ravel(), minlength=count + 1) >= min_voxels
    keep[0] = False
    return np.where(keep[labels], labels, 0), int(keep.sum())
