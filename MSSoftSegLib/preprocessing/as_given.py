"""Images that are aligned, bias-corrected and brain-extracted already: brought to the working grid, and nothing else."""

from __future__ import annotations

import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import Grid, isotropic_grid_around, resample, same_grid
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.brain_extraction.given import nonzero_brain
from MSSoftSegLib.preprocessing.pipeline import MARGIN_MM, SIZE_MULTIPLE, mask_on_grid
from MSSoftSegLib.preprocessing.working_exam import WorkingExam


def working_exam_as_given(exam: Exam, *, working_spacing_mm: float) -> WorkingExam:
    """The exam on its working grid, as ``preprocess`` leaves one. Its images must share a grid; voxels ≠ 0 of FLAIR are brain."""
    flair = exam.images[Modality.FLAIR]
    for other in exam.images.values():
        if not same_grid(other.image, flair.image):
            raise GridMismatch(
                f"{other.file_name} and {flair.file_name} are given as preprocessed but lie on different grids",
                remedy="resample them onto one grid, or give the exam as not preprocessed",
            )
    brain = nonzero_brain(flair.image, name=flair.file_name)
    grid = isotropic_grid_around(brain, spacing_mm=working_spacing_mm, margin_mm=MARGIN_MM, multiple=SIZE_MULTIPLE)
    mask = mask_on_grid(brain, grid)
    return WorkingExam(
        images={modality: sitk.Mask(resample(exam.image(modality), grid), mask) for modality in exam.modalities},
        brain_mask=mask,
        target=Modality.FLAIR,
        native_from_working={modality: sitk.Transform(3, sitk.sitkIdentity) for modality in exam.modalities},
        native_grids={modality: Grid.of(exam.image(modality)) for modality in exam.modalities},
        mutual_information={},
    )
