"""A teacher's probability as a label for a student, and how far it is to be trusted. No torch here.

P̄ is the mean probability over test-time augmentations, H its entropy, ω = exp(−αH) the confidence and q = ω·P̄ the
confident probability (Docs/methods.md sections 3 and 4). The thesis cuts "the confidence" at VPT = 0.3 and drops cases
whose sum is below TST = 100. On ω itself neither can act: with two classes H ≤ ln 2, so ω ≥ 2^−α, which is 0.81 at α
0.3 and 0.62 at α 0.7, and no volume of more than 162 mm³ sums to less than 100. So q is cut. Then a VPT below 0.5
changes no voxel of a binary label, for this is q cut at 0.5; it acts through the sum, on which cases are dropped. And
since q rises with P̄, cutting q at 0.5 is cutting P̄ at 0.61, 0.68 or 0.74 for α 0.3, 0.5 or 0.7: a larger α asks the
teacher to be surer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.inference.pseudo_label_settings import DecidingQuantity, PseudoLabelChoices
from MSSoftSegLib.lesion.uncertainty import entropy_nats
from MSSoftSegLib.softlabel.distance import Spacing, is_within, squared_distance_mm2

HALF = 0.5


@dataclass(frozen=True)
class PseudoLabel:
    """A label that a model gave, on the grid of the probability it was made from.

    label: float32, 0–1. confidence: ω of each voxel, float32, 0–1, the weight of the student's loss; None where the mode
    weighs all voxels alike. confident_sum_mm3: the deciding quantity summed over the voxels that were not zeroed, times a
    voxel's volume; is_dropped: it is below TST. zeroed_voxels: below VPT. shell_voxels: of 'binary+soft'.
    """

    label: sitk.Image
    confidence: sitk.Image | None
    confident_sum_mm3: float
    is_dropped: bool
    zeroed_voxels: int
    shell_voxels: int
    warnings: tuple[str, ...] = ()


def omega(entropy: np.ndarray, *, alpha: float) -> np.ndarray:
    """Confidence exp(−αH) of an entropy in nats (at least 0), 0–1, any shape. Source: thesis eq. 4."""
    return np.exp(-alpha * np.asarray(entropy, np.float64))


def pseudo_label(mean_probability: sitk.Image, choices: PseudoLabelChoices) -> PseudoLabel:
    """The label that the mean probability P̄ (0–1) gives; H is taken from P̄ as it lies on this grid.

    A case that is dropped has its label all the same, to be looked at. 'confidence-weighted' keeps P̄ in every voxel: zeroing
    would call a doubtful voxel healthy, with high confidence; VPT and TST only decide whether the case is dropped.
    """
    grid = Grid.of(mean_probability)
    probability = np.clip(voxels(mean_probability).astype(np.float64), 0.0, 1.0)
    weight = omega(entropy_nats(probability), alpha=choices.alpha)
    deciding = _deciding_quantity(probability, weight, choices.vpt_on)
    kept = deciding >= choices.vpt
    confident_sum_mm3 = float(deciding[kept].sum()) * grid.voxel_volume_mm3
    if choices.mode == "confidence-weighted":
        label, shell_voxels, warnings = probability, 0, tuple[str, ...]()
    else:
        lesion = np.where(kept, weight * probability, 0.0) >= HALF
        label, shell_voxels, warnings = _hard_label(lesion, grid, choices)
    weighs = choices.mode == "confidence-weighted"
    return PseudoLabel(
        label=grid.image(label.astype(np.float32)),
        confidence=grid.image(weight.astype(np.float32)) if weighs else None,
        confident_sum_mm3=confident_sum_mm3,
        is_dropped=confident_sum_mm3 < choices.tst,
        zeroed_voxels=int(kept.size - np.count_nonzero(kept)),
        shell_voxels=shell_voxels,
        warnings=warnings,
    )


def _deciding_quantity(probability: np.ndarray, weight: np.ndarray, vpt_on: DecidingQuantity) -> np.ndarray:
    if vpt_on == "omega":
        return weight
    return probability if vpt_on == "probability" else weight * probability


def _hard_label(lesion: np.ndarray, grid: Grid, choices: PseudoLabelChoices) -> tuple[np.ndarray, int, tuple[str, ...]]:
    """The mask as a label, with γ in the shell where one is asked for; voxels in the shell; warnings."""
    label = lesion.astype(np.float64)
    if not lesion.any():
        return label, 0, ("no voxel is confident enough to be called lesion: the label is empty",)
    if choices.mode == "binary":
        return label, 0, ()
    z_mm, y_mm, x_mm = grid.spacing_mm[::-1]
    shell = _shell(lesion, (z_mm, y_mm, x_mm), choices.radius_mm)
    label[shell] = choices.gamma
    count = int(np.count_nonzero(shell))
    finest_mm = min(grid.spacing_mm)
    none = f"no other voxel lies within {choices.radius_mm:g} mm of a lesion (the finest step is {finest_mm:.3g} mm)"
    return label, count, () if count else (f"{none}: there is no soft shell",)


def _shell(lesion: np.ndarray, spacing_mm: Spacing, radius_mm: float) -> np.ndarray:
    """Voxels outside the lesions whose center lies at most radius_mm from a lesion voxel's; bool (z, y, x).

    Plain dilation by a ball, as the thesis says of pseudo-labels; its FLAIR criterion is for raters' masks.
    """
    return is_within(squared_distance_mm2(lesion, spacing_mm, reach_mm=radius_mm), radius_mm) & ~lesion
