"""Images that are preprocessed already come to the working grid unchanged."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import Grid, image_like, resample, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given

OBLIQUE = (0.8, 0.0, -0.6, 0.0, 1.0, 0.0, 0.6, 0.0, 0.8)


def stripped(spacing_mm: tuple[float, float, float], seed: int) -> sitk.Image:
    rng = np.random.default_rng(seed)
    array = np.zeros((14, 19, 23), np.float32)
    array[3:11, 4:16, 5:19] = rng.normal(100, 20, (8, 12, 14))
    return Grid((23, 19, 14), spacing_mm, (-12.0, 31.0, 7.0), OBLIQUE).image(array)


def exam(**images: sitk.Image) -> Exam:
    return Exam(
        {Modality(name): ExamImage(Modality(name), image, f"{name}.nii.gz", None) for name, image in images.items()}
    )


def test_at_the_working_spacing_every_brain_voxel_is_copied() -> None:
    flair, t1 = stripped((1.0, 1.0, 1.0), 1), stripped((1.0, 1.0, 1.0), 2)
    working = take_exam_as_given(exam(flair=flair, t1=t1), working_spacing_mm=1.0)
    for modality, native in ((Modality.FLAIR, flair), (Modality.T1, t1)):
        back = resample(
            working.images[modality], Grid.of(native), source_from_grid=working.working_from_native(modality)
        )
        np.testing.assert_allclose(voxels(back), voxels(native), atol=1e-3)
    assert int(voxels(working.brain_mask).sum()) == 8 * 12 * 14
    assert all(side % 16 == 0 for side in working.grid.size)


def test_at_another_spacing_the_brain_keeps_its_volume() -> None:
    flair = stripped((1.1, 0.9, 1.6), 3)
    working = take_exam_as_given(exam(flair=flair), working_spacing_mm=1.0)
    assert working.grid.spacing_mm == (1.0, 1.0, 1.0)
    assert voxels(working.brain_mask).sum() == pytest.approx(8 * 12 * 14 * 1.1 * 0.9 * 1.6, rel=0.15)
    assert not voxels(working.images[Modality.FLAIR])[voxels(working.brain_mask) == 0].any()


def test_images_on_different_grids_are_not_preprocessed_and_both_are_named() -> None:
    flair = stripped((1.0, 1.0, 1.0), 1)
    moved = image_like(flair, voxels(flair))
    moved.SetOrigin((-11.0, 31.0, 7.0))
    with pytest.raises(GridMismatch, match=r"t1\.nii\.gz and flair\.nii\.gz"):
        take_exam_as_given(exam(flair=flair, t1=moved), working_spacing_mm=1.0)
