"""Whether a faster answer is the same answer: two ways of asking one network about a real, preprocessed exam."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from MSSoftSegLib.exam.reading import read_exam_folder
from MSSoftSegLib.inference.augmentation import flips
from MSSoftSegLib.inference.predict import network_input
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given

# Logits (1, 1, z, y, x) for images (1, c, z, y, x).
Ask = Callable[[Tensor], Tensor]
# What is asked of every fast path: the furthest probability, Dice of the masks, correlation of the entropies.
FURTHEST, LEAST_DICE, LEAST_CORRELATION = 0.02, 0.99, 0.99


def exam_images(folder: Path, description: ModelDescription) -> Tensor:
    """The network's input (1, c, z, y, x) of a folder of aligned, brain-extracted images."""
    return network_input(take_exam_as_given(read_exam_folder(folder), working_spacing_mm=1.0), description)


def mean_probability(ask: Ask, images: Tensor) -> np.ndarray:
    """The mean of eight mirrorings in the brain, one number a voxel."""
    members = []
    for axes in flips("flips8"):
        answer = torch.sigmoid(ask(images.flip(axes) if axes else images).float())
        members.append(answer.flip(axes) if axes else answer)
    return np.asarray(torch.stack(members).mean(dim=0)[0, 0][images[0, 0] != 0], np.float64)


def compared(found: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """How far a probability is from the reference's: at most, Dice at 0.5, and the entropies' correlation."""
    mask, other = found >= 0.5, reference >= 0.5
    return {
        "apart": float(np.abs(found - reference).max()),
        "dice": float(2 * (mask & other).sum() / (mask.sum() + other.sum())),
        "entropy_correlation": float(np.corrcoef(_entropy(found), _entropy(reference))[0, 1]),
    }


def is_same(of: dict[str, float]) -> bool:
    """Whether all that is asked of a fast path holds."""
    agree = of["dice"] >= LEAST_DICE and of["entropy_correlation"] >= LEAST_CORRELATION
    return agree and of["apart"] <= FURTHEST


def _entropy(probability: np.ndarray) -> np.ndarray:
    inside = np.clip(probability, 1e-7, 1 - 1e-7)
    return np.asarray(-inside * np.log(inside) - (1 - inside) * np.log(1 - inside))
