"""A folder as it comes from a scanner: every file that could play a part is described, the best is told with the reason,
and taken when that is asked for."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.candidates import explain_first, read_candidate, sort_candidates
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import find_exam, find_misnamed

AXIAL = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
SAGITTAL = (0, 0, 1.0, 1.0, 0, 0, 0, 1.0, 0)
CORONAL = (1.0, 0, 0, 0, 0, 1.0, 0, 1.0, 0)
# name: spacing of a whole head, direction, sidecar
SERIES = {
    "3_t1_mprage_sag": ((1.0, 1.0, 1.0), SAGITTAL, {"AcquisitionTime": "10:12:01.1", "SeriesNumber": 3}),
    "4_t1_tse_tra": ((0.7, 0.7, 5.0), AXIAL, {"AcquisitionTime": "10:20:00", "SeriesNumber": 4}),
    "5_t1_tse_tra_fs": ((0.7, 0.7, 5.0), AXIAL, {"SeriesNumber": 5}),
    "6_t1_tse_cor": ((0.7, 0.7, 5.0), CORONAL, {"SeriesNumber": 6}),
    "9_t1_mprage_sag_KM": ((1.0, 1.0, 1.0), SAGITTAL, {"ContrastBolusAgent": "Gadovist", "SeriesNumber": 9}),
    "10_t1_tse_tra": ((0.7, 0.7, 5.0), AXIAL, {"ContrastBolusAgent": "Gadovist", "SeriesNumber": 10}),
    "7_t2_flair_sag_3D": ((1.0, 1.0, 1.2), SAGITTAL, {"SeriesNumber": 7}),
    "8_t2_flair_tra_fs": ((0.7, 0.7, 5.0), AXIAL, {"SeriesNumber": 8}),
    "1_localizer": ((2.0, 2.0, 10.0), AXIAL, {}),
    "2_ep2d_diff_tra": ((2.0, 2.0, 5.0), AXIAL, {}),
}


def write_series(folder, name, spacing_mm, direction, sidecar, *, extent_mm=150.0):
    size = tuple(max(2, round(extent_mm / side / 8)) for side in spacing_mm)
    # Eight times as coarse in memory as it says: only the header is looked at.
    grid = Grid(size, tuple(8 * side for side in spacing_mm), (0.0, 0.0, 0.0), tuple(map(float, direction)))
    voxels = np.random.default_rng(len(name)).normal(100, 10, size[::-1]).astype(np.float32)
    write_image(grid.image(voxels), folder / f"{name}.nii.gz")
    if sidecar:
        (folder / f"{name}.json").write_text(json.dumps(sidecar))
    return folder / f"{name}.nii.gz"


@pytest.fixture
def scanned(tmp_path):
    for name, (spacing_mm, direction, sidecar) in SERIES.items():
        write_series(tmp_path, name, spacing_mm, direction, sidecar)
    return tmp_path


def test_an_ambiguous_folder_is_refused_after_each_candidate_was_described(scanned, caplog):
    caplog.set_level(logging.WARNING, "MSSoftSegLib")
    with pytest.raises(BadExam, match="could both be the FLAIR image") as caught:
        find_exam(scanned)
    assert "--yes" in caught.value.remedy
    assert "7_t2_flair_sag_3D" in caught.value.remedy
    said = "\n".join(record.getMessage() for record in caplog.records)
    for name in ("3_t1_mprage_sag", "4_t1_tse_tra", "5_t1_tse_tra_fs", "6_t1_tse_cor", "8_t2_flair_tra_fs"):
        assert f"{name}.nii.gz" in said
    for hint in (
        "3D",
        "axial slices",
        "coronal slices",
        "fat-saturated",
        "covers",
        "10:12:01",
        "T1: 3_t1_mprage_sag.nii.gz would",
    ):
        assert hint in said
    # What had contrast agent is no candidate at all.
    assert "KM" not in said
    assert "10_t1" not in said


def test_the_best_is_taken_when_that_is_asked_for(scanned):
    found = find_exam(scanned, take_best=True)
    assert {modality: path.name for modality, path in found.chosen.items()} == {
        Modality.FLAIR: "7_t2_flair_sag_3D.nii.gz",
        Modality.T1: "3_t1_mprage_sag.nii.gz",
    }
    reasons = {each.file_name: each.reason for each in found.ignored}
    assert reasons["4_t1_tse_tra.nii.gz"] == "3_t1_mprage_sag.nii.gz is the T1 image"
    assert reasons["10_t1_tse_tra.nii.gz"] == "contrast-enhanced T1, not used"


@pytest.mark.parametrize(
    ("better", "worse", "reason"),
    [
        (("t1_a", (1, 1, 1), AXIAL, {}, 150), ("t1_b", (1, 1, 1), AXIAL, {}, 60), "the whole brain"),
        (("t1_a", (1, 1, 1), AXIAL, {}, 150), ("t1_b", (0.5, 0.5, 4), AXIAL, {}, 150), "three-dimensional"),
        (("t1_a", (1, 1, 1), AXIAL, {}, 150), ("t1_fs", (1, 1, 1), AXIAL, {}, 150), "without fat saturation"),
        (("t1_a", (1, 1, 3), AXIAL, {}, 150), ("t1_b", (1, 1, 5), AXIAL, {}, 150), "thinner"),
        (("t1_a", (0.5, 0.5, 4), AXIAL, {}, 150), ("t1_b", (1, 1, 4), AXIAL, {}, 150), "finer"),
        (
            ("t1_b", (1, 1, 1), AXIAL, {"AcquisitionTime": "11:00:00"}, 150),
            ("t1_a", (1, 1, 1), AXIAL, {"AcquisitionTime": "10:00:00"}, 150),
            "acquired last",
        ),
        (("t1_a", (1, 1, 1), AXIAL, {}, 150), ("t1_b", (1, 1, 1), AXIAL, {}, 150), "first by name"),
    ],
)
def test_the_reason_is_the_first_that_sets_two_apart(tmp_path, better, worse, reason):
    paths = [write_series(tmp_path, name, *rest, extent_mm=mm) for name, *rest, mm in (worse, better)]
    best, other = sort_candidates([read_candidate(path) for path in paths])
    assert best.path.name == f"{better[0]}.nii.gz"
    assert reason in explain_first(best, other)


def test_a_candidate_that_cannot_be_read_comes_last_and_says_so(tmp_path):
    broken = tmp_path / "t1_a.nii.gz"
    broken.write_bytes(b"nothing")
    sound = write_series(tmp_path, "t1_b", (1, 1, 1), AXIAL, {})
    best, other = sort_candidates([read_candidate(broken), read_candidate(sound)])
    assert best.path == sound
    assert "t1_a.nii.gz" in other.words


def test_a_file_that_is_given_as_what_its_name_denies_is_doubted(tmp_path):
    (tmp_path / "T1_Gadovist.nii.gz").touch()
    (tmp_path / "T2.nii.gz").touch()
    (tmp_path / "T1.nii.gz").touch()
    given = {Modality.T1: tmp_path / "T1_Gadovist.nii.gz", Modality.FLAIR: tmp_path / "T2.nii.gz"}
    first, second = find_misnamed(given)
    assert "contrast-enhanced" in first
    assert "says T2" in second
    assert find_misnamed({Modality.T1: tmp_path / "T1.nii.gz"}) == []
