"""How bright each tissue is on each contrast: physically ordered, randomly spaced.

Values are relative to normal-appearing white matter = 1. The order within a contrast holds in every draw: T1 white > gray >
CSF, T2 CSF > gray > white, FLAIR gray > white > CSF with suppressed fluid; a lesion is brighter than gray matter on FLAIR and
T2 and darker than white matter on T1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.exam.modality import Modality


@dataclass(frozen=True)
class TissueIntensities:
    """Mean intensity of each tissue, white matter = 1; ``texture`` is the relative SD of fine tissue texture."""

    csf: float
    gray: float
    white: float
    lesion: float
    bone: float
    marrow: float
    fat: float
    muscle: float
    dura: float


@dataclass(frozen=True)
class _ContrastRanges:
    """Lowest and highest value per tissue; a lesion is given as a step from its neighbor in the order."""

    csf: tuple[float, float]
    gray: tuple[float, float]
    lesion_step: tuple[float, float]
    bone: tuple[float, float]
    marrow: tuple[float, float]
    fat: tuple[float, float]
    muscle: tuple[float, float]
    dura: tuple[float, float]


_RANGES = {
    Modality.T1: _ContrastRanges(
        (0.12, 0.35), (0.66, 0.86), (-0.45, -0.08), (0.04, 0.15), (0.5, 1.1), (1.1, 1.7), (0.5, 0.75), (0.4, 0.8)
    ),
    Modality.T2: _ContrastRanges(
        (2.4, 4.5), (1.15, 1.55), (0.15, 0.90), (0.04, 0.2), (0.6, 1.2), (0.9, 1.8), (0.4, 0.7), (0.4, 0.8)
    ),
    Modality.FLAIR: _ContrastRanges(
        (0.08, 0.40), (1.08, 1.36), (0.12, 0.65), (0.04, 0.2), (0.5, 1.0), (0.8, 1.6), (0.6, 0.9), (0.6, 1.1)
    ),
}


def draw_intensities(modality: Modality, *, rng: np.random.Generator) -> TissueIntensities:
    """One scanner's tissue intensities for a contrast; the order stated above always holds."""
    ranges = _RANGES[modality]

    def draw(bounds: tuple[float, float]) -> float:
        return float(rng.uniform(*bounds))

    gray = draw(ranges.gray)
    csf = draw(ranges.csf)
    # On T1 a lesion lies below white matter, on T2 and FLAIR above gray matter, and on T2 below pure fluid.
    lesion = (1.0 if modality is Modality.T1 else gray) + draw(ranges.lesion_step)
    if modality is Modality.T2:
        lesion = min(lesion, 0.95 * csf)
    return TissueIntensities(
        csf=csf,
        gray=gray,
        white=1.0,
        lesion=lesion,
        bone=draw(ranges.bone),
        marrow=draw(ranges.marrow),
        fat=draw(ranges.fat),
        muscle=draw(ranges.muscle),
        dura=draw(ranges.dura),
    )


def typical_intensities(modality: Modality) -> TissueIntensities:
    """A scanner in the middle of every range: the contrasts that a reader expects."""
    return draw_intensities(modality, rng=_Middle())  # type: ignore[arg-type]


class _Middle:
    """Stands in for a random generator and returns the middle of what was asked for."""

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2
