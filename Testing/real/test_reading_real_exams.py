"""Real exams: thick oblique slices, each modality on its own grid, masks beside the images, left-handed axes."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, orient_canonically, orientation_letters, voxels
from MSSoftSegLib.exam.image_file import read_image, read_mask
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import find_exam, read_exam_folder
from Testing.real.data import DATA, needs_data

ALL = {Modality.FLAIR, Modality.T1, Modality.T2}
# Sizes and spacings as tabled by those who prepared the data; spacing rounded to 0.001 mm.
EXAMS = {
    "mni/patient26": (ALL, (182, 218, 182), (1, 1, 1), "LAS"),
    "raw/patient03_study2": (ALL, (320, 320, 48), (0.719, 0.719, 3), "LPS"),
    "raw/patient12_study1": (ALL, (320, 320, 48), (0.719, 0.719, 3), "LPS"),
    "raw/patient12_study2": (ALL, (320, 320, 48), (0.719, 0.719, 3), "LPS"),
    "raw_partial/patient03_study1": ({Modality.FLAIR, Modality.T2}, (306, 384, 39), (0.573, 0.573, 3.3), "LPS"),
    "raw_partial/patient19_study2": ({Modality.FLAIR, Modality.T1}, (320, 320, 48), (0.719, 0.719, 3), "LPS"),
    "raw_partial/patient20_study2": ({Modality.FLAIR, Modality.T1}, (256, 256, 44), (0.898, 0.898, 2.999), "LPS"),
}
OTHER_IMAGES = [
    ("raw/patient12_study1", Modality.T1, (256, 256, 48), (0.91, 0.91, 3)),
    ("raw/patient12_study1", Modality.T2, (348, 384, 44), (0.599, 0.599, 3.3)),
    ("raw_partial/patient03_study1", Modality.T2, (354, 384, 39), (0.573, 0.573, 3.03)),
]

pytestmark = needs_data


@pytest.fixture(scope="module")
def exams() -> dict[str, Exam]:
    return {name: read_exam_folder(DATA / name) for name in EXAMS}


def test_every_exam_folder_of_the_data_is_tested() -> None:
    there = {
        f"{path.parent.name}/{path.name}"
        for group in ("mni", "raw", "raw_partial")
        for path in (DATA / group).iterdir()
    }
    assert there == set(EXAMS)


@pytest.mark.parametrize("name", EXAMS)
def test_a_real_exam_is_read_on_its_native_grids(exams: dict[str, Exam], name: str) -> None:
    modalities, size, spacing_mm, letters = EXAMS[name]
    flair = exams[name].image(Modality.FLAIR)
    assert set(exams[name].modalities) == modalities
    assert flair.GetPixelID() == sitk.sitkFloat32
    assert flair.GetSize() == size
    assert flair.GetSpacing() == pytest.approx(spacing_mm, abs=6e-4)
    assert orientation_letters(flair) == letters


@pytest.mark.parametrize(("name", "modality", "size", "spacing_mm"), OTHER_IMAGES)
def test_each_modality_keeps_its_own_grid(
    exams: dict[str, Exam], name: str, modality: Modality, size: tuple[int, ...], spacing_mm: tuple[float, ...]
) -> None:
    image = exams[name].image(modality)
    assert image.GetSize() == size
    assert image.GetSpacing() == pytest.approx(spacing_mm, abs=6e-4)
    assert not have_same_grid(image, exams[name].image(Modality.FLAIR))


@pytest.mark.parametrize("name", EXAMS)
def test_masks_and_transforms_beside_the_images_are_left_out(name: str) -> None:
    found = find_exam(DATA / name)
    assert {path.name for path in found.chosen.values()} <= {"FLAIR.nii.gz", "T1.nii.gz", "T2.nii.gz"}
    left_out = {file.file_name for file in found.ignored}
    chosen = {path.name for path in found.chosen.values()}
    assert left_out | chosen == {path.name for path in (DATA / name).iterdir()}
    assert left_out.isdisjoint(chosen)


def test_the_reference_mask_never_becomes_an_image() -> None:
    ignored = {file.file_name: file.reason for file in find_exam(DATA / "mni/patient26").ignored}
    assert ignored == {"lesion_consensus.nii.gz": "a lesion mask"}


@pytest.mark.parametrize("name", EXAMS)
def test_every_image_lies_where_nibabel_puts_it_and_holds_what_nibabel_reads(exams: dict[str, Exam], name: str) -> None:
    for modality, exam_image in exams[name].images.items():
        independent = nibabel.Nifti1Image.from_filename(DATA / name / exam_image.file_name)
        lps_from_voxel = np.diag([-1, -1, 1, 1]) @ independent.affine
        farthest = np.array([*(count - 1 for count in exam_image.image.GetSize()), 1])
        here = Grid.of(exam_image.image).lps_from_voxel() @ farthest
        assert here == pytest.approx(lps_from_voxel @ farthest, abs=1e-2), modality
        np.testing.assert_array_equal(voxels(exam_image.image).T, independent.get_fdata(dtype=np.float32))


def test_left_handed_axes_are_kept_and_brought_to_one_order_without_moving(exams: dict[str, Exam]) -> None:
    flair = exams["mni/patient26"].image(Modality.FLAIR)
    assert np.linalg.det(np.reshape(flair.GetDirection(), (3, 3))) == pytest.approx(-1)
    ordered = orient_canonically(flair)
    assert orientation_letters(ordered) == "LPS"
    brightest = np.unravel_index(np.argmax(voxels(flair)), voxels(flair).shape)[::-1]
    there = np.unravel_index(np.argmax(voxels(ordered)), voxels(ordered).shape)[::-1]
    assert ordered.TransformIndexToPhysicalPoint([int(i) for i in there]) == pytest.approx(
        flair.TransformIndexToPhysicalPoint([int(i) for i in brightest]), abs=1e-6
    )


def test_the_reference_mask_lies_on_the_grid_of_its_flair(exams: dict[str, Exam]) -> None:
    flair = exams["mni/patient26"].image(Modality.FLAIR)
    mask = read_mask(DATA / "mni/patient26/lesion_consensus.nii.gz", like=flair)
    # 8,227 voxels of 1 mm³ are tabled; FLAIR is brighter inside than in the rest of the brain.
    inside = voxels(mask) == 1
    assert np.count_nonzero(inside) == 8227
    values = voxels(flair)
    assert values[inside].mean() == pytest.approx(109.7, abs=0.05)
    assert values[inside].mean() > values[~inside & (values != 0)].mean()


def test_a_mask_in_common_space_is_refused_on_a_native_flair(exams: dict[str, Exam]) -> None:
    flair = exams["raw/patient12_study1"].image(Modality.FLAIR)
    path = DATA / "raw/patient12_study1/brainmask_common.nii.gz"
    with pytest.raises(GridMismatch, match="334×352×60"):
        read_mask(path, like=flair)
    assert np.count_nonzero(voxels(read_mask(path))) == 977_750


def test_a_header_half_a_voxel_off_is_refused() -> None:
    brain = read_image(DATA / "lesion_masks/patient15/brainmask_1mm.nii.gz")
    with pytest.raises(GridMismatch, match="mm apart"):
        read_mask(DATA / "lesion_masks/patient15/lesion_consensus_1mm.nii.gz", like=brain)
    lesions = read_mask(DATA / "lesion_masks/patient12/lesion_consensus_1mm.nii.gz")
    assert np.count_nonzero(voxels(lesions)) == 52_706
