"""Digital patients of a scanner that the shipped model was not made for: thick slices, other contrasts, noise, shading.

FLAIR with fluid that is hardly suppressed (a share of T2 in it) and little contrast between lesion and brain; T1 that is turned
over (lesions bright, white matter dark); T2 that is nearly proton density. All on 1 × 1 × 3 mm voxels. Aligned and
brain-extracted by construction, so that adaptation is measured and nothing else.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.phantom.acquisition import Acquisition
from MSSoftSegLib.phantom.digital_patient import DigitalPatient, DigitalPatientSettings, make_digital_patient

SPACING_MM = (1.0, 1.0, 3.0)
LEVEL = 300.0
NOISE = {modality: 0.08 for modality in MODALITIES}
BIAS = 0.3
T2_IN_FLAIR = 0.29
T2_POWER = 0.45
SCANNER_SEED = 5


def other_scanner_patient(seed: int, folder: Path) -> tuple[LabeledCase, Path]:
    """The patient's files in a folder of her own (made where it is absent): the case with two raters, and her true mask."""
    place = folder / f"patient-{seed}"
    if not (place / "truth.nii.gz").is_file():
        place.mkdir(parents=True, exist_ok=True)
        _write(_scanned(seed), place)
    case = LabeledCase(
        case=f"p{seed}",
        patient=f"p{seed}",
        images={modality: place / f"{modality.name}.nii.gz" for modality in MODALITIES},
        raters={name: place / f"{name}.nii.gz" for name in ("rater1", "rater2")},
        preprocessed=True,
    )
    return case, place / "truth.nii.gz"


def _scanned(seed: int) -> DigitalPatient:
    acquisitions = tuple(Acquisition(m, SPACING_MM, bias=BIAS, noise=NOISE[m], white_level=LEVEL) for m in MODALITIES)
    settings = DigitalPatientSettings(acquisitions=acquisitions, scanner_seed=SCANNER_SEED, move_deg=0.0, move_mm=0.0)
    return make_digital_patient(seed=seed, settings=settings)


def _write(patient: DigitalPatient, folder: Path) -> None:
    flair, t1, t2 = (voxels(patient.exam.image(modality)) / LEVEL for modality in MODALITIES)
    brain = voxels(patient.brain_mask) != 0
    changed = {
        Modality.FLAIR: (1 - T2_IN_FLAIR) * flair + T2_IN_FLAIR * t2,
        Modality.T1: 2.0 - np.minimum(t1, 1.8),
        Modality.T2: np.maximum(t2, 0.01) ** T2_POWER,
    }
    for modality, array in changed.items():
        # Voxels other than 0 are brain: none inside may be 0.
        inside = np.where(brain, np.maximum(LEVEL * array, 1.0), 0.0).astype(np.float32)
        write_image(image_like(patient.brain_mask, inside), folder / f"{modality.name}.nii.gz")
    write_image(patient.rater1, folder / "rater1.nii.gz")
    write_image(patient.rater2, folder / "rater2.nii.gz")
    write_image(sitk.BinaryThreshold(patient.truth, 0.5, 2.0, 1, 0), folder / "truth.nii.gz")
