"""What the head around the brain is made of, and how bright each material is on a contrast."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.contrasts import TissueIntensities


class Tissue(IntEnum):
    """Labels of the patient's tissue map; the first three of a brain voxel are its largest fraction."""

    AIR = 0
    CSF = 1
    GRAY = 2
    WHITE = 3
    DURA = 4
    BONE = 5
    MARROW = 6
    FAT = 7
    MUSCLE = 8
    SKIN = 9
    BLOOD = 10
    VITREOUS = 11


# Flowing blood leaves its slice before it is read: nearly no signal in spin-echo sequences.
BLOOD_VALUE = {Modality.T1: 0.35, Modality.T2: 0.18, Modality.FLAIR: 0.25}


def tissue_values(modality: Modality, mean: TissueIntensities) -> np.ndarray:
    """Intensity by tissue label, float32, white matter = 1."""
    values = np.zeros(len(Tissue), dtype=np.float32)
    values[Tissue.CSF] = mean.csf
    values[Tissue.GRAY] = mean.gray
    values[Tissue.WHITE] = mean.white
    values[Tissue.DURA] = mean.dura
    values[Tissue.BONE] = mean.bone
    values[Tissue.MARROW] = mean.marrow
    values[Tissue.FAT] = mean.fat
    values[Tissue.MUSCLE] = mean.muscle
    values[Tissue.SKIN] = 0.5 * (mean.muscle + mean.dura)
    values[Tissue.BLOOD] = BLOOD_VALUE[modality]
    # FLAIR's inversion time is set for spinal fluid; the eye's fluid is nulled nearly as well.
    values[Tissue.VITREOUS] = mean.csf * (1.3 if modality is Modality.FLAIR else 0.95)
    return values
