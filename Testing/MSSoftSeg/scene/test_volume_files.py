"""Volumes keep their place on the way to a file and back, whatever their axes do."""

from __future__ import annotations

import numpy as np
import pytest
from MSSoftSegGUI.scene.segments import SEGMENTS, make_label_map
from MSSoftSegGUI.scene.volume_files import read_grid, read_ras_from_ijk, read_volume, write_volume

from MSSoftSegLib.exam.image_file import read_image

OBLIQUE = np.array([[0.72, -0.96, 0.0, 11.0], [0.96, 0.72, 0.0, -35.0], [0.0, 0.0, 3.0, 7.0], [0, 0, 0, 1]])
GEOMETRIES = {
    "plain": np.diag([1.0, 1.0, 1.0, 1.0]),
    "flipped": np.array([[-0.9, 0, 0, 90.0], [0, -0.9, 0, 100.0], [0, 0, 3.0, -60.0], [0, 0, 0, 1]]),
    "left-handed": np.array([[-1.0, 0, 0, 5.0], [0, 1.0, 0, 6.0], [0, 0, 2.0, 7.0], [0, 0, 0, 1]]),
    "oblique": OBLIQUE,
    "sagittal": np.array([[0, 0, 1.2, -80.0], [-1.0, 0, 0, 120.0], [0, -1.0, 0, 130.0], [0, 0, 0, 1]]),
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_voxels_and_places_come_back(tmp_path, name):
    array = np.random.default_rng(0).integers(0, 900, (3, 4, 5)).astype(np.int16)
    write_volume(array, GEOMETRIES[name], tmp_path / "volume.nii")
    again, ras_from_ijk = read_volume(tmp_path / "volume.nii")
    assert np.array_equal(again, array)
    assert np.allclose(ras_from_ijk, GEOMETRIES[name], atol=1e-4)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_file_says_where_the_patients_left_is_as_slicer_did(tmp_path, name):
    import nibabel

    write_volume(np.ones((3, 4, 5), np.float32), GEOMETRIES[name], tmp_path / "volume.nii")
    # NIfTI's own world is RAS, read here without ITK.
    assert np.allclose(nibabel.load(tmp_path / "volume.nii").affine, GEOMETRIES[name], atol=1e-4)


def test_the_library_reads_the_file_on_the_same_grid(tmp_path):
    array = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    write_volume(array, OBLIQUE, tmp_path / "volume.nii")
    assert np.allclose(read_ras_from_ijk(read_image(tmp_path / "volume.nii")), OBLIQUE, atol=1e-4)


def test_the_librarys_grid_of_a_volume_is_the_same_place():
    assert np.allclose(read_ras_from_ijk(read_grid((3, 4, 5), OBLIQUE).reference()), OBLIQUE)


@pytest.mark.parametrize(
    ("array", "matrix", "words"),
    [
        (np.zeros((2, 2)), np.eye(4), "dimensions"),
        (np.zeros((2, 2, 2, 3)), np.eye(4), "dimensions"),
        (np.zeros((2, 2, 2)), np.array([[1, 0.2, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "right angles"),
        (np.zeros((2, 2, 2)), np.diag([1.0, 0.0, 1.0, 1.0]), "geometry"),
        (np.zeros((2, 2, 2)), np.diag([1.0, np.nan, 1.0, 1.0]), "geometry"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(tmp_path, array, matrix, words):
    with pytest.raises(ValueError, match=words):
        write_volume(array, matrix, tmp_path / "volume.nii")
    assert not (tmp_path / "volume.nii").exists()


def test_lesion_wins_over_possible_lesion_in_the_label_map():
    lesion, possible = np.array([[[1, 1, 0, 0]]]), np.array([[[0, 7, 7, 0]]])
    assert make_label_map(lesion, possible).tolist() == [[[1, 1, 2, 0]]]
    with pytest.raises(ValueError, match="different grids"):
        make_label_map(lesion, possible[:, :, :2])


def test_the_two_segments_differ_in_blue_against_yellow_which_nearly_every_eye_can_tell():
    first, second = (np.array(spec.color) for spec in SEGMENTS)
    assert {spec.label for spec in SEGMENTS} == {1, 2}
    assert abs(first[2] - second[2]) > 0.5


def test_terminology_is_that_of_the_shipped_file():
    import json

    from MSSoftSegLib.resources import find_resources

    document = json.loads((find_resources() / "Terminology" / "MSSoftSeg.term.json").read_text(encoding="utf-8"))
    category = document["SegmentationCodes"]["Category"][0]
    shipped = {kind["CodeValue"]: kind for kind in category["Type"]}
    for spec in SEGMENTS:
        context, said_category, said_type, *_ = spec.terminology.split("~")
        kind = shipped[spec.code[1]]
        assert context == document["SegmentationCategoryTypeContextName"]
        assert said_category == "^".join(category[k] for k in ("CodingSchemeDesignator", "CodeValue", "CodeMeaning"))
        assert said_type == "^".join(kind[k] for k in ("CodingSchemeDesignator", "CodeValue", "CodeMeaning"))
        assert [round(255 * part) for part in spec.color] == kind["recommendedDisplayRGBValue"]
        assert len(spec.terminology.split("~")) == 7
