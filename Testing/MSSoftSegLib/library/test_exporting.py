"""What leaves the library is what other tools ask for, and comes back as it was."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from monai.data import load_decathlon_datalist
from monai.transforms import LoadImaged

from MSSoftSegLib.errors import BadLibrary, GridMismatch, OutputExists, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.exporting.bids import export_bids
from MSSoftSegLib.library.exporting.case_labels import LabelChoice
from MSSoftSegLib.library.exporting.isbi_submission import export_isbi_submission
from MSSoftSegLib.library.exporting.monai_datalist import export_datalist
from MSSoftSegLib.library.exporting.nifti import export_nifti
from MSSoftSegLib.library.exporting.nnunet import export_nnunet
from MSSoftSegLib.library.importing.run import import_cases
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from MSSoftSegLib.library.reading import read_labeled_cases
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import (
    array,
    flair_only,
    gray,
    labels,
    new_library,
    soft,
    written,
)


@pytest.fixture
def library(tmp_path):
    made = new_library(tmp_path)
    images = {Modality.FLAIR: gray(1), Modality.T1: gray(2), Modality.T2: gray(3)}
    raters = {"B": labels(0), "A": labels(1)}
    add_case(made, patient="1", session="x", images=images, raters=raters, status="approved", preprocessed=True)
    images = {Modality.FLAIR: gray(4), Modality.T1: gray(5, turn=0.28)}
    add_case(made, patient="2", images=images, raters={"A": labels(2, highest=1)}, status="approved")
    add_case(made, patient="3", images=flair_only(6), soft_label=soft())
    return made


def test_what_bids_got_comes_back(library, tmp_path):
    export_bids(library, tmp_path / "out", statuses=["approved"])
    again = new_library(tmp_path / "again")
    import_cases(again, tmp_path / "out", "bids")
    for one, other in zip(read_labeled_cases(library), read_labeled_cases(again), strict=True):
        assert (one.case, set(one.raters), set(one.images)) == (other.case, set(other.raters), set(other.images))
        assert one.preprocessed == other.preprocessed
        for rater in one.raters:
            np.testing.assert_array_equal(array(one.raters[rater]), array(other.raters[rater]))


def test_the_nnunet_export_has_channels_on_one_grid_and_possible_lesion_to_ignore(library, tmp_path, caplog):
    export_nnunet(library, tmp_path / "out", statuses=["approved"])
    folder = tmp_path / "out" / "Dataset501_MSLesion"
    description = json.loads((folder / "dataset.json").read_text())
    assert description == {
        "channel_names": {"0": "FLAIR", "1": "T1"},
        "labels": {"background": 0, "lesion": 1, "ignore": 2},
        "numTraining": 2,
        "file_ending": ".nii.gz",
        "mssoftseg": {
            "possible_lesion": 2,
            "cases": {
                "sub-1_ses-x": {"status": "approved", "preprocessed": True},
                "sub-2": {"status": "approved", "preprocessed": False},
            },
        },
    }
    names = {path.name for path in (folder / "imagesTr").iterdir()}
    assert names == {f"{case}_{n:04d}.nii.gz" for case in ("sub-1_ses-x", "sub-2") for n in (0, 1)}
    for case in ("sub-1_ses-x", "sub-2"):
        mask = nibabel.load(folder / "labelsTr" / f"{case}.nii.gz")
        for n in (0, 1):
            image = nibabel.load(folder / "imagesTr" / f"{case}_{n:04d}.nii.gz")
            assert image.shape == mask.shape
            np.testing.assert_allclose(image.affine, mask.affine, atol=1e-5)
    # Of several raters the first by name.
    np.testing.assert_array_equal(array(folder / "labelsTr" / "sub-1_ses-x.nii.gz"), sitk.GetArrayFromImage(labels(1)))
    # T1 of the second case lay otherwise: resampled as SimpleITK does it, and said so.
    expected = sitk.Resample(
        sitk.Cast(gray(5, turn=0.28), sitk.sitkFloat32), gray(4), sitk.Transform(), sitk.sitkLinear
    )
    np.testing.assert_allclose(
        array(folder / "imagesTr" / "sub-2_0001.nii.gz"), sitk.GetArrayFromImage(expected), atol=1e-3
    )
    assert ["sub-2" in record.message for record in caplog.records] == [True]


def test_what_nnunet_got_comes_back_under_its_own_name(library, tmp_path):
    export_nnunet(library, tmp_path / "out", statuses=["approved"])
    again = new_library(tmp_path / "again")
    import_cases(again, tmp_path / "out" / "Dataset501_MSLesion", "nnunet")
    found = {case.case: case for case in read_labeled_cases(again)}
    assert {name: case.preprocessed for name, case in found.items()} == {"sub-1_ses-x": True, "sub-2": False}
    # Possible lesion too, which nnU-Net knows as "ignore".
    drawn = sitk.GetArrayFromImage(labels(1))
    assert (drawn == 2).any()
    np.testing.assert_array_equal(array(found["sub-1_ses-x"].raters["nnunet"]), drawn)


def test_one_raters_masks_can_be_asked_for_and_must_be_there(library, tmp_path):
    with pytest.raises(RequestError, match="sub-2 has no mask of rater B"):
        export_nnunet(library, tmp_path / "out", statuses=["approved"], labels=LabelChoice(rater="B"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(RequestError, match="rater"):
        export_nnunet(library, tmp_path / "out", statuses=["segmented"])


def test_monai_itself_reads_the_data_list(library, tmp_path):
    path = tmp_path / "lists" / "all"
    export_datalist(library, path, statuses=["approved"])
    assert {each.name for each in path.parent.iterdir()} == {"all", "all_labels"}
    entries = load_decathlon_datalist(str(path), True, "training", base_dir=str(path.parent))
    assert [len(entry["image"]) for entry in entries] == [3, 2]
    for entry, case in zip(entries, read_labeled_cases(library), strict=True):
        np.testing.assert_array_equal(array(entry["image"][0]), array(case.images[Modality.FLAIR]))
        np.testing.assert_array_equal(array(entry["label"]), array(case.raters["A"]))
        # Of the second case T1 lay on a grid of its own.
        loaded = LoadImaged(keys=("image", "label"), ensure_channel_first=True)(entry)
        assert loaded["image"].shape[1:] == loaded["label"].shape[1:]
    with pytest.raises(OutputExists):
        export_datalist(library, path, statuses=["approved"])


@pytest.mark.parametrize("export", [export_bids, export_nifti, export_nnunet, export_datalist])
def test_a_damaged_file_or_no_case_stops_an_export_before_anything_is_written(library, tmp_path, export):
    with pytest.raises(RequestError, match="excluded"):
        export(library, tmp_path / "out", statuses=["excluded"])
    path = resolve_inside(library, CaseId("2").rater_mask("A"))
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(BadLibrary, match="sub-2"):
        export(library, tmp_path / "out", statuses=["approved"])
    assert not list(tmp_path.glob("out*"))


# ISBI 2015


def predictions(folder):
    written(labels(1), folder / "test01_02.nii.gz")
    written(labels(2), folder / "sub-test14_ses-01_label-lesion_mask.nii.gz")
    written(labels(3), folder / "test03_04" / "lesion_mask.nii.gz")
    written(soft(3), folder / "test03_04" / "lesion_probability.nii.gz")
    (folder / "notes.txt").write_text("x")
    return folder


def test_the_submission_has_a_binary_uncompressed_mask_per_visit_under_the_challenges_name(tmp_path, caplog):
    library = new_library(tmp_path)
    add_case(library, patient="test01", session="02", images=flair_only())
    source = predictions(tmp_path / "predictions")
    export_isbi_submission(library, tmp_path / "out", predictions=source, team="Ours")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"test01_02_Ours.nii", "test14_01_Ours.nii", "test03_04_Ours.nii", "export.json"}
    for name, seed in (("test01_02_Ours.nii", 1), ("test14_01_Ours.nii", 2), ("test03_04_Ours.nii", 3)):
        image = nibabel.load(tmp_path / "out" / name)
        assert image.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(
            np.asarray(image.dataobj), (sitk.GetArrayFromImage(labels(seed)) > 0).astype(np.uint8).T
        )
    # Too few visits, and two masks that are not of the challenge's size and not known to the library.
    assert len(caplog.records) == 3
    assert "61" in caplog.records[0].message


def test_a_prediction_on_another_grid_than_the_visits_flair_is_refused(tmp_path):
    library = new_library(tmp_path)
    add_case(library, patient="test01", session="02", images={Modality.FLAIR: gray(turn=0.2)})
    with pytest.raises(GridMismatch, match="test01"):
        export_isbi_submission(
            library, tmp_path / "out", predictions=predictions(tmp_path / "predictions"), team="Ours"
        )
    assert not (tmp_path / "out").exists()


def test_unclear_predictions_and_team_names_are_refused(tmp_path):
    library = new_library(tmp_path)
    source = predictions(tmp_path / "predictions")
    with pytest.raises(RequestError, match="team"):
        export_isbi_submission(library, tmp_path / "out", predictions=source, team="our team")
    written(labels(1), source / "test01_02_again.nii.gz")
    with pytest.raises(BadLibrary, match="two predictions for test01_02"):
        export_isbi_submission(library, tmp_path / "out", predictions=source, team="Ours")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadLibrary, match="empty"):
        export_isbi_submission(library, tmp_path / "out", predictions=tmp_path / "empty", team="Ours")
    assert not (tmp_path / "out").exists()
