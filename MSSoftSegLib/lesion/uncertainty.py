"""How unsure the model is, from its test-time-augmentation members. Numpy and scipy only: the Slicer module uses it too.

Notation of Docs/methods.md section 3: P̄ = mean over members of p_k (thesis eq. 2), H = −Σ_c P̄_c ln P̄_c over lesion and
background (eq. 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.special import entr

from MSSoftSegLib.exam.geometry import image_like, voxels

LARGEST_ENTROPY_NATS = float(np.log(2))


@dataclass(frozen=True)
class UncertainProbability:
    """Lesion probability with its members, all on one grid.

    probability P̄: float32, 0–1. entropy H(P̄): float32 nats, 0–ln 2. mutual_information H(P̄) − mean H(p_k): float32 nats, ≥ 0.
    members: the p_k, float32, 0–1, at least one.
    """

    probability: sitk.Image
    entropy: sitk.Image
    mutual_information: sitk.Image
    members: tuple[sitk.Image, ...]


def binary_entropy_nats(probability: np.ndarray) -> np.ndarray:
    """H(p) = −p ln p − (1 − p) ln(1 − p) of probabilities 0–1, in their own precision; any shape. Source: thesis eq. 3."""
    entropy: np.ndarray = entr(probability) + entr(1 - probability)
    return entropy


def entropy_nats(probability: np.ndarray) -> np.ndarray:
    """The entropy map of a probability map: float32 nats, 0–ln 2, whatever rounding left outside of 0–1; any shape."""
    entropy = binary_entropy_nats(np.clip(probability.astype(np.float64), 0.0, 1.0))
    # Rounding to float32 may land a hair above ln 2; the bound is a promise.
    largest = np.nextafter(np.float32(LARGEST_ENTROPY_NATS), np.float32(0))
    return np.clip(entropy, 0.0, largest).astype(np.float32)


def combine(members: Sequence[sitk.Image]) -> UncertainProbability:
    """Mean, entropy of the mean and mutual information of members that share a grid."""
    if not members:
        raise ValueError("at least one member is needed")
    # Most of a head is no brain, where every member is 0: nothing is to be computed there.
    somewhere = np.zeros(members[0].GetSize()[::-1], bool)
    for member in members:
        somewhere |= voxels(member) != 0
    total, member_entropy = (np.zeros(np.count_nonzero(somewhere), np.float64) for _ in range(2))
    for member in members:
        p = np.clip(voxels(member)[somewhere], 0.0, 1.0)
        total += p
        member_entropy += entropy_nats(p)
    mean, entropy, information = (np.zeros(somewhere.shape, np.float32) for _ in range(3))
    mean[somewhere] = total / len(members)
    entropy[somewhere] = entropy_nats(mean[somewhere])
    information[somewhere] = np.maximum(entropy[somewhere] - member_entropy / len(members), 0.0)
    return UncertainProbability(
        probability=image_like(members[0], mean),
        entropy=image_like(members[0], entropy),
        mutual_information=image_like(members[0], information),
        members=tuple(members),
    )
