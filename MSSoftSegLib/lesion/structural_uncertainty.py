"""Uncertainty of whole lesions and of the whole patient: how far the members' masks agree (Docs/methods.md section 3).

LSU = 1 − mean_k max IoU(lesion, lesions of member k); PSU = 1 − mean_k IoU(mask, mask of member k).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def lesion_structural_uncertainty(instances: np.ndarray, members: Sequence[np.ndarray]) -> np.ndarray:
    """LSU of each instance 1…n, float64 (n,), 0 = every member has the same lesion, 1 = none has it.

    instances and members: label arrays of one shape (z, y, x), 0 = background.
    """
    count = int(instances.max(initial=0))
    best = np.zeros((len(members), count))
    size = np.bincount(instances.ravel(), minlength=count + 1)
    for k, member in enumerate(members):
        member_size = np.bincount(member.ravel())
        both = (instances > 0) & (member > 0)
        pairs, overlap = np.unique(np.stack([instances[both], member[both]]), axis=1, return_counts=True)
        for (own, other), shared in zip(pairs.T, overlap, strict=True):
            union = size[own] + member_size[other] - shared
            best[k, own - 1] = max(best[k, own - 1], shared / union)
    return 1.0 - best.mean(axis=0) if len(members) else np.ones(count)


def patient_structural_uncertainty(mask: np.ndarray, members: Sequence[np.ndarray]) -> float:
    """PSU of one exam, 0–1. Where mask and a member are both empty they agree."""
    agreement = []
    for member in members:
        union = int(((mask > 0) | (member > 0)).sum())
        shared = int(((mask > 0) & (member > 0)).sum())
        agreement.append(shared / union if union else 1.0)
    return float(1.0 - np.mean(agreement))
