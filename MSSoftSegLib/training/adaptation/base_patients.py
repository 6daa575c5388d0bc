"""Digital patients of fixed seeds, made on this machine: what a model could do before it was adapted, and should still.

Nothing ships: the same seed gives the same patient everywhere. Each is scanned on a scanner of her own, aligned and
brain-extracted by construction, so that nothing but the network is judged. Validation and rehearsal have seeds of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import SimpleITK as sitk

from MSSoftSegLib.errors import OutputExists
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.phantom.acquisition import Acquisition
from MSSoftSegLib.phantom.digital_patient import DigitalPatientSettings, make_digital_patient
from MSSoftSegLib.preprocessing.cache import find_cache_folder
from MSSoftSegLib.result_folder import write_completely

LOGGER = logging.getLogger(__name__)
Use = Literal["validation", "rehearsal"]

# Raised whenever a seed gives another patient.
VERSION = 1
FIRST_SEED: dict[Use, int] = {"validation": 70_000, "rehearsal": 71_000}
RATER = "truth"
LEVELS = {Modality.FLAIR: 300.0, Modality.T1: 600.0, Modality.T2: 220.0}
# What bias correction leaves.
BIAS = 0.05
TRUTH_LEVEL = 0.5


def base_patients(
    use: Use,
    count: int,
    *,
    spacing_mm: float,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[LabeledCase]:
    """The first ``count`` patients for a use, on isotropic voxels; made when first asked for, then kept in the user's cache."""
    cases = []
    for number in range(count):
        progress(number / count)
        cases.append(_patient(FIRST_SEED[use] + number, spacing_mm))
    progress(1.0)
    return cases


def _patient(seed: int, spacing_mm: float) -> LabeledCase:
    name = f"base-{seed}"
    folder = find_cache_folder().parent / f"base-patients-{VERSION}" / f"{name}-{spacing_mm:g}mm"
    if not folder.is_dir():
        try:
            with write_completely(folder, overwrite=False) as partial:
                _write(seed, spacing_mm, partial)
        except OutputExists:
            LOGGER.debug("%s was made by another process meanwhile", name)
    return LabeledCase(
        case=name,
        patient=name,
        images={modality: folder / f"{modality.name}.nii.gz" for modality in MODALITIES},
        raters={RATER: folder / f"{RATER}.nii.gz"},
        preprocessed=True,
    )


def _write(seed: int, spacing_mm: float, folder: Path) -> None:
    spacing = (spacing_mm, spacing_mm, spacing_mm)
    settings = DigitalPatientSettings(
        patient_spacing_mm=spacing_mm,
        acquisitions=tuple(Acquisition(m, spacing, bias=BIAS, noise=0.03, white_level=LEVELS[m]) for m in MODALITIES),
        scanner_seed=seed,
        move_deg=0.0,
        move_mm=0.0,
    )
    patient = make_digital_patient(seed=seed, settings=settings)
    for modality in MODALITIES:
        write_image(sitk.Mask(patient.exam.image(modality), patient.brain_mask), folder / f"{modality.name}.nii.gz")
    write_image(sitk.BinaryThreshold(patient.truth, TRUTH_LEVEL, 2.0, 1, 0), folder / f"{RATER}.nii.gz")
