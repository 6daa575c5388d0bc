"""Exams for the benchmark of the quality checks: good ones, with the native images from which damaged ones are made.

A damaged exam is what preprocessing would hand on if the damage had happened before it: an image that is moved or
exchanged is read from its native file through the exam's own transform, skull and all, and only then masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import Grid, isotropic_grid_around, resample
from MSSoftSegLib.exam.image_file import read_image, write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.digital_patient import (
    CLINICAL,
    ISOTROPIC,
    DigitalPatient,
    DigitalPatientSettings,
    make_digital_patient,
)
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import MARGIN_MM, SIZE_MULTIPLE, preprocess, resample_mask
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.preprocessing.working_folder import read_working_folder, write_working_folder

# Coil shading that N4 leaves behind, in place of running it for every patient.
LEFT_OVER_BIAS = 0.04


@dataclass(frozen=True)
class GoodExam:
    """A working exam that nothing is wrong with, and its native images with skull."""

    name: str
    working: WorkingExam
    natives: Mapping[Modality, sitk.Image]


def raw_exams(data: Path, prepared: Path) -> Iterator[GoodExam]:
    """The six raw exams of the development data; prepared: where their working folders are kept between runs."""
    for folder in sorted([*(data / "raw").iterdir(), *(data / "raw_partial").iterdir()]):
        paths = {m: folder / f"{m.upper()}.nii.gz" for m in Modality}
        natives = {m: read_image(path) for m, path in paths.items() if path.is_file()}
        kept = prepared / folder.name
        if not (kept / "working.json").is_file():
            exam = Exam({m: ExamImage(m, image, f"{m.upper()}.nii.gz", None) for m, image in natives.items()})
            write_working_folder(preprocess(exam, PreprocessingSettings(brain="atlas"), cache=StepCache()), kept)
        yield GoodExam(folder.name, read_working_folder(kept), natives)


def patient26(data: Path) -> GoodExam:
    """The exam that comes without skull."""
    folder = data / "mni" / "patient26"
    natives = {m: read_image(folder / f"{m.upper()}.nii.gz") for m in (Modality.FLAIR, Modality.T1, Modality.T2)}
    exam = Exam({m: ExamImage(m, image, f"{m.upper()}.nii.gz", None) for m, image in natives.items()})
    return GoodExam("patient26", take_exam_as_given(exam, working_spacing_mm=1.0), natives)


def digital_patient(seed: int, prepared: Path) -> GoodExam:
    """One digital patient on a scanner of its own, aligned and extracted by what is known of it."""
    kept = prepared / f"digital{seed}"
    if not (kept / "working.json").is_file():
        patient = make_digital_patient(seed=seed, settings=_settings(seed))
        write_working_folder(known_working_exam(patient), kept)
        for modality, entry in patient.exam.images.items():
            write_image(entry.image, kept / f"native_{modality.upper()}.nii.gz")
    working = read_working_folder(kept)
    natives = {m: read_image(kept / f"native_{m.upper()}.nii.gz") for m in working.modalities}
    return GoodExam(kept.name, working, natives)


def _settings(seed: int) -> DigitalPatientSettings:
    """Contrasts drawn by the seed; every other patient is scanned in 1 mm voxels, noise 0.6 to 1.4 times the typical."""
    noise = np.random.default_rng(seed).uniform(0.6, 1.4)
    scans = tuple(
        replace(scan, bias=LEFT_OVER_BIAS, noise=scan.noise * noise) for scan in (CLINICAL, ISOTROPIC)[seed % 2]
    )
    return DigitalPatientSettings(acquisitions=scans, scanner_seed=seed)


def known_working_exam(patient: DigitalPatient) -> WorkingExam:
    """The patient's working exam in T1's space (FLAIR's where there is none) by the true transforms and the true brain."""
    target = Modality.T1 if Modality.T1 in patient.exam.images else Modality.FLAIR
    ways = {m: patient.source_from_target(m, target) for m in patient.exam.modalities}
    native = Grid.of(patient.exam.image(target))
    brain = resample_mask(patient.brain_mask, native, ways[Modality.FLAIR])
    grid = isotropic_grid_around(brain, spacing_mm=1.0, margin_mm=MARGIN_MM, multiple=SIZE_MULTIPLE)
    mask = resample_mask(patient.brain_mask, grid, ways[Modality.FLAIR])
    images = {
        m: sitk.Mask(resample(patient.exam.image(m), grid, source_from_grid=ways[m]), mask)
        for m in patient.exam.modalities
    }
    native_grids = {m: Grid.of(patient.exam.image(m)) for m in patient.exam.modalities}
    return WorkingExam(images, mask, target, ways, native_grids, {})
