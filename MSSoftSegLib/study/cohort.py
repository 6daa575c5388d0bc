"""The patients of a study: digital ones with two raters whose borders disagree, as a case library; or the user's own library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.creation import ensure_library
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.library.reading import list_case_ids
from MSSoftSegLib.library.writing import add_case
from MSSoftSegLib.phantom.digital_patient import ISOTROPIC_SETTINGS, DigitalPatient, make_digital_patient

# Each patient has a scanner of her own; seeds of the cohort never meet those of other digital patients.
COHORT_SEED = 20_190_000


@dataclass(frozen=True)
class DigitalCase:
    """One digital patient as preprocessing would leave her: one grid, brain only."""

    patient: str
    images: dict[str, sitk.Image]
    rater1: sitk.Image
    rater2: sitk.Image


def make_digital_case(number: int, *, spacing_mm: float) -> DigitalCase:
    """Patient ``number``: isotropic contrasts on one grid, brain-extracted, with two raters (Dice 0.65–0.73)."""
    seed = COHORT_SEED + number
    acquisitions = tuple(
        replace(acquisition, spacing_mm=(spacing_mm,) * 3, orientation="LPS", bias=0.0)
        for acquisition in ISOTROPIC_SETTINGS.acquisitions
    )
    settings = replace(
        ISOTROPIC_SETTINGS,
        patient_spacing_mm=spacing_mm,
        acquisitions=acquisitions,
        scanner_seed=seed,
        move_deg=0.0,
        move_mm=0.0,
    )
    patient = make_digital_patient(seed=seed, settings=settings)
    window = _window(patient)
    images = {
        modality.value: _cut(sitk.Mask(entry.image, patient.brain_mask), window)
        for modality, entry in patient.exam.images.items()
    }
    inside = voxels(patient.brain_mask)
    raters = [image_like(rater, voxels(rater) * inside) for rater in (patient.rater1, patient.rater2)]
    return DigitalCase(name_patient(number), images, *(_cut(rater, window) for rater in raters))


def _window(patient: DigitalPatient) -> tuple[slice, slice, slice]:
    """Where the brain is, x, y, z."""
    occupied = np.nonzero(voxels(patient.brain_mask))[::-1]
    x, y, z = (slice(int(axis.min()), int(axis.max()) + 1) for axis in occupied)
    return x, y, z


def _cut(image: sitk.Image, window: tuple[slice, slice, slice]) -> sitk.Image:
    x, y, z = window
    return image[x, y, z]


def write_digital_library(
    folder: Path, *, patients: int, unlabeled: int, spacing_mm: float, progress: Callable[[float], None]
) -> None:
    """A case library of digital patients: approved ones with two raters, and unlabelled ones for students.

    Patients that are there already are kept: an interrupted study goes on.
    """
    ensure_library(folder, name="Digital patients of a study")
    there = {case.patient for case in list_case_ids(folder)}
    for number in range(patients + unlabeled):
        progress(number / (patients + unlabeled))
        if name_patient(number) in there:
            continue
        case = make_digital_case(number, spacing_mm=spacing_mm)
        labeled = number < patients
        change = CaseChange(
            CaseId(case.patient),
            images={Modality(name): image for name, image in case.images.items()},
            raters={"rater1": case.rater1, "rater2": case.rater2} if labeled else {},
            status="approved" if labeled else "unlabelled",
            preprocessed=True,
        )
        add_case(folder, change)
    progress(1.0)


def name_patient(number: int) -> str:
    """The pseudonym of a digital patient."""
    return f"digital{number:03d}"


def split(loads_ml: Mapping[str, float], folds: int) -> list[set[str]]:
    """Patients of each test fold: dealt in order of lesion load, to and fro, so that the folds' loads are alike.

    loads_ml: by patient.
    """
    ordered = sorted(loads_ml, key=lambda patient: (loads_ml[patient], patient))
    found: list[set[str]] = [set() for _ in range(folds)]
    for place, patient in enumerate(ordered):
        lap, within = divmod(place, folds)
        found[within if lap % 2 == 0 else folds - 1 - within].add(patient)
    return found
