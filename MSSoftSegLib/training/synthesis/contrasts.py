"""How bright each tissue is on each contrast, white matter = 1: ordered as physics orders them, spaced at random.

T1 white > gray > CSF; T2 CSF > gray > white; FLAIR gray > white > CSF. A lesion is brighter than gray matter on T2 and FLAIR
and darker than white matter on T1. The ranges enclose what bias-corrected exams of several scanners show inside eroded tissue
classes (``realism.py``): CSF 0.05–0.10 and gray matter 1.08–1.20 on FLAIR, CSF 3–4 on T2, 0.2–0.3 on T1.
"""

from __future__ import annotations

from dataclasses import dataclass

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.training.synthesis.draws import Draws


@dataclass(frozen=True)
class TissueValues:
    """Mean of each tissue, white matter = 1. deep_gray: thalamus and basal ganglia; around: what lies outside the brain."""

    csf: float
    gray: float
    deep_gray: float
    lesion: float
    around: float


@dataclass(frozen=True)
class _Ranges:
    csf: tuple[float, float]
    gray: tuple[float, float]
    lesion_step: tuple[float, float]
    around: tuple[float, float]


_RANGES = {
    Modality.T1: _Ranges(csf=(0.10, 0.38), gray=(0.66, 0.87), lesion_step=(-0.42, -0.06), around=(0.05, 1.3)),
    Modality.T2: _Ranges(csf=(2.2, 4.2), gray=(1.12, 1.50), lesion_step=(0.15, 0.90), around=(0.05, 1.6)),
    Modality.FLAIR: _Ranges(csf=(0.03, 0.35), gray=(1.05, 1.30), lesion_step=(0.14, 0.65), around=(0.05, 1.5)),
}


def draw_tissue_values(modality: Modality, draws: Draws) -> TissueValues:
    """One scanner's tissue values for a contrast; the order stated above holds in every draw."""
    ranges = _RANGES[modality]
    csf = draws.uniform("csf", *ranges.csf)
    gray = draws.uniform("gray", *ranges.gray)
    lesion = (1.0 if modality is Modality.T1 else gray) + draws.uniform("lesion_step", *ranges.lesion_step)
    if modality is Modality.T2:
        lesion = min(lesion, 0.95 * csf)
    deep = 1.0 + (gray - 1.0) * draws.uniform("deep_gray_share", 0.2, 1.0)
    return TissueValues(csf, gray, deep, lesion, draws.uniform("around", *ranges.around))
