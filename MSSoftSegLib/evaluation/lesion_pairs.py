"""The lesions of a truth and of a prediction, and which voxels they share: labelled once, measured in several ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.evaluation.boxes import box_around
from MSSoftSegLib.lesion.instances import CONNECTIVITY_RANK, DEFAULT_CONNECTIVITY


@dataclass(frozen=True)
class LesionPairs:
    """Sizes in voxels of the lesions on both sides, and every pair that shares voxels.

    truth_voxels (n,), predicted_voxels (m,): one entry a lesion. pairs (k, 2): index into the first and the second;
    shared_voxels (k,).
    """

    truth_voxels: np.ndarray
    predicted_voxels: np.ndarray
    pairs: np.ndarray
    shared_voxels: np.ndarray

    @property
    def truth_touched(self) -> np.ndarray:
        """Whether each truth lesion shares a voxel with a predicted one, bool (n,)."""
        touched = np.zeros(self.truth_voxels.size, dtype=bool)
        touched[self.pairs[:, 0]] = True
        return touched

    @property
    def predicted_touched(self) -> np.ndarray:
        """Whether each predicted lesion shares a voxel with a true one, bool (m,)."""
        touched = np.zeros(self.predicted_voxels.size, dtype=bool)
        touched[self.pairs[:, 1]] = True
        return touched


def pair_lesions(
    truth: np.ndarray, prediction: np.ndarray, *, min_voxels: int = 1, connectivity: int = DEFAULT_CONNECTIVITY
) -> LesionPairs:
    """Lesions (connected components) of two masks (z, y, x); those below min_voxels are dropped on both sides first."""
    if truth.shape != prediction.shape:
        raise ValueError(f"shapes differ: {truth.shape} and {prediction.shape}")
    t, p = truth != 0, prediction != 0
    box = box_around(t, p)
    structure = ndimage.generate_binary_structure(3, CONNECTIVITY_RANK[connectivity])
    truth_labels, truth_voxels = _components(t[box], structure, min_voxels)
    found_labels, found_voxels = _components(p[box], structure, min_voxels)
    both = (truth_labels > 0) & (found_labels > 0)
    code = truth_labels[both].astype(np.int64) * (found_voxels.size + 1) + found_labels[both]
    codes, shared = np.unique(code, return_counts=True)
    pairs = np.stack(np.divmod(codes, found_voxels.size + 1), axis=1) - 1
    return LesionPairs(truth_voxels, found_voxels, pairs, shared)


def _components(mask: np.ndarray, structure: np.ndarray, min_voxels: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels 1…n of the components that are kept, 0 elsewhere, and their sizes (n,)."""
    labels, count = ndimage.label(mask, structure)
    size = np.bincount(labels.ravel(), minlength=count + 1)
    keep = size >= min_voxels
    keep[0] = False
    number = np.where(keep, np.cumsum(keep), 0)
    return number[labels], size[keep]
