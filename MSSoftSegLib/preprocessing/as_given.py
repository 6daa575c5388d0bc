"""Images that are aligned, bias-corrected and brain-extracted already: brought to the working grid, and nothing else.

Every use of such images (segmenting, pseudo-labels, the comparison of models, rehearsal, training) finds its grid here, so that
none depends on the order in which a file stores its voxels.
"""

from __future__ import annotations

import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, isotropic_grid_around, orient_canonically
from MSSoftSegLib.exam.lattice import copy_or_resample, lattice_offset
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.brain_extraction.given import find_nonzero_brain
from MSSoftSegLib.preprocessing.pipeline import MARGIN_MM, SIZE_MULTIPLE, resample_mask
from MSSoftSegLib.preprocessing.working_exam import WorkingExam


def take_brain_and_grid_as_given(exam: Exam, *, working_spacing_mm: float) -> tuple[sitk.Image, Grid]:
    """The native brain (uint8, voxels ≠ 0 of FLAIR) with its axes in the canonical order, and the working grid around it.

    GridMismatch where the images do not share a grid.
    """
    flair = exam.images[Modality.FLAIR]
    for other in exam.images.values():
        if not have_same_grid(other.image, flair.image):
            raise GridMismatch(
                f"{other.file_name} and {flair.file_name} are given as preprocessed but lie on different grids",
                remedy="resample them onto one grid, or give them as not preprocessed",
            )
    # Slices are axial, and left is left, whichever way the file stores its voxels.
    brain = orient_canonically(find_nonzero_brain(flair.image, name=flair.file_name))
    grid = isotropic_grid_around(brain, spacing_mm=working_spacing_mm, margin_mm=MARGIN_MM, multiple=SIZE_MULTIPLE)
    return brain, grid


def take_mask_as_given(brain: sitk.Image, grid: Grid) -> sitk.Image:
    """The native brain mask on the working grid, uint8: copied where the lattices coincide, else what is half covered."""
    if lattice_offset(Grid.of(brain), grid) is None:
        return resample_mask(brain, grid)
    return sitk.Cast(copy_or_resample(brain, grid), sitk.sitkUInt8)


def take_exam_as_given(exam: Exam, *, working_spacing_mm: float) -> WorkingExam:
    """The exam on its working grid, as ``preprocess`` leaves one. Its images must share a grid; voxels ≠ 0 of FLAIR are brain."""
    brain, grid = take_brain_and_grid_as_given(exam, working_spacing_mm=working_spacing_mm)
    mask = take_mask_as_given(brain, grid)
    images = {modality: copy_or_resample(exam.image(modality), grid) for modality in exam.modalities}
    return WorkingExam(
        images={modality: sitk.Mask(image, mask) for modality, image in images.items()},
        brain_mask=mask,
        target=Modality.FLAIR,
        native_from_working={modality: sitk.Transform(3, sitk.sitkIdentity) for modality in exam.modalities},
        native_grids={modality: Grid.of(exam.image(modality)) for modality in exam.modalities},
        mutual_information={},
    )
