"""What a rater saves is what she finds again, and nobody overwrites what she has not seen."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadLibrary, MSSoftSegError, RequestError
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.exporting.bids import export_bids
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from MSSoftSegLib.library.reading import read_case, read_library
from Testing.MSSoftSegLib.library.made_cases import (
    all_files,
    array,
    case_files,
    gray,
    labels,
    new_library,
    soft,
    written,
)
from Testing.MSSoftSegLib.library.saves import ask, opened, save

OLD_LIBRARY = Path(__file__).with_name("library_of_version_1.zip")
CASE = CaseId("1")


@pytest.fixture
def desk(tmp_path):
    """Images and drawings as the panel writes them for the worker, and a library that is not there yet."""

    class Desk:
        library = tmp_path / "library"
        images = {"flair": written(gray(), tmp_path / "f.nrrd"), "t1": written(gray(1), tmp_path / "t1.nii")}  # noqa: RUF012
        masks = [written(labels(n), tmp_path / f"drawn{n}.nrrd") for n in range(4)]  # noqa: RUF012

    return Desk


def kept(library, case=CASE):
    return read_case(library, case)


def test_the_first_save_makes_the_library_and_the_case_opens_with_its_exact_labels_and_images(desk):
    told = save(desk.library, desk.masks[0], images=desk.images, status="corrected", session="2", notes="pale ones")
    assert told == {
        "case": "sub-1_ses-2",
        "status": "corrected",
        "rater": "anna",
        "version": "1",
        "conflict": False,
        "sha256": told["sha256"],
        "new_library": True,
        "message": "sub-1_ses-2 is saved as corrected",
    }
    case = opened(desk.library, "1/2")
    np.testing.assert_array_equal(array(case["raters"]["anna"]["path"]), sitk.GetArrayFromImage(labels(0)))
    np.testing.assert_array_equal(array(case["images"]["t1"]), sitk.GetArrayFromImage(gray(1)))
    assert all(Path(path).is_absolute() for path in case["images"].values())
    assert case["raters"]["anna"]["sha256"] == told["sha256"] == compute_sha256(Path(case["raters"]["anna"]["path"]))
    assert (case["status"], case["notes"], case["soft_label"]) == ("corrected", "pale ones", None)
    assert check_library(desk.library) == []


def test_a_case_approved_a_year_ago_is_opened_edited_and_approved_again_and_both_masks_stay(desk, tmp_path):
    with zipfile.ZipFile(OLD_LIBRARY) as archive:
        archive.extractall(tmp_path)
    library, case = tmp_path / "library", CaseId("01", "2")
    assert check_library(library) == []
    assert [record.status for record in read_library(library)] == ["approved", "segmented", "unlabelled"]
    before = all_files(library)
    there = opened(library, "01/2")
    assert {name: entry["version"] for name, entry in there["raters"].items()} == {"anna": 1, "ben": 1}
    np.testing.assert_array_equal(array(there["raters"]["anna"]["path"]), sitk.GetArrayFromImage(labels(2)))
    assert {row["volume_ml"] for row in ask("worklist", library=library)["cases"]} == {None}
    assert all_files(library) == before  # reading an old library changes nothing in it
    told = save(
        library, desk.masks[3], patient="01", session="2", based_on=there["raters"]["anna"]["sha256"], notes="again"
    )
    assert (told["version"], told["conflict"], told["status"]) == ("2", False, "approved")
    again = opened(library, "01/2")
    (earlier,) = again["earlier"]
    assert (earlier["rater"], earlier["version"], earlier["approved"]) == ("anna", 1, True)
    assert Path(earlier["path"]).read_bytes() == before[str(case.rater_mask("anna"))]
    np.testing.assert_array_equal(array(again["raters"]["anna"]["path"]), sitk.GetArrayFromImage(labels(3)))
    assert len(kept(library, case).history) == 4
    assert check_library(library) == []


def test_a_record_of_a_later_version_is_refused_by_naming_the_version(desk):
    save(desk.library, desk.masks[0], images=desk.images)
    path = resolve_inside(desk.library, CASE.record)
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 3'))
    with pytest.raises(BadLibrary, match="newer MSSoftSeg"):
        opened(desk.library)


def test_who_opened_nothing_does_not_overwrite_what_is_there_and_goes_on_under_the_name_she_was_given(desk):
    first = save(desk.library, desk.masks[0], images=desk.images)
    told = save(desk.library, desk.masks[1], images=desk.images)
    assert (told["rater"], told["conflict"], told["status"]) == ("anna2", True, "corrected")
    assert "anna2" in told["message"]
    # She draws on and saves again, under her own name: it is her own mask that is replaced, and no conflict is left.
    again = save(desk.library, desk.masks[2], based_on=told["sha256"])
    assert (again["rater"], again["version"], again["conflict"], again["status"]) == ("anna2", "2", False, "approved")
    raters = opened(desk.library)["raters"]
    assert raters["anna"]["sha256"] == first["sha256"]
    np.testing.assert_array_equal(array(raters["anna2"]["path"]), sitk.GetArrayFromImage(labels(2)))
    assert check_library(desk.library) == []


def test_who_opened_a_mask_that_was_replaced_meanwhile_is_told_and_a_third_one_too(desk):
    seen = save(desk.library, desk.masks[0], images=desk.images)["sha256"]
    save(desk.library, desk.masks[1], based_on=seen)
    assert save(desk.library, desk.masks[2], based_on=seen)["rater"] == "anna2"
    assert save(desk.library, desk.masks[3], based_on=seen)["rater"] == "anna3"
    assert set(kept(desk.library).raters) == {"anna", "anna2", "anna3"}


def test_the_same_drawing_saved_again_is_no_conflict_and_changes_no_file(desk):
    save(desk.library, desk.masks[0], images=desk.images)
    told = save(desk.library, desk.masks[1])
    before = case_files(desk.library)
    assert save(desk.library, desk.masks[0])["conflict"] is False
    again = save(desk.library, desk.masks[1], status="corrected")
    assert (again["rater"], again["conflict"], again["sha256"]) == ("anna2", False, told["sha256"])
    masks = {name: content for name, content in before.items() if not name.endswith("_case.json")}
    assert masks == {name: content for name, content in case_files(desk.library).items() if name in masks}


def test_another_rater_joins_without_conflict_and_her_status_counts(desk):
    save(desk.library, desk.masks[0], images=desk.images)
    told = save(desk.library, desk.masks[1], rater="ben", status="corrected")
    assert (told["rater"], told["conflict"], told["status"]) == ("ben", False, "corrected")
    assert [entry.by for entry in kept(desk.library).history] == ["anna", "ben"]


def test_notes_are_each_raters_own_may_be_taken_back_and_are_in_no_history(desk):
    save(desk.library, desk.masks[0], images=desk.images, notes="one near the horn")
    save(desk.library, desk.masks[1], rater="ben", notes="artefact?")
    assert opened(desk.library)["notes"] == "anna: one near the horn\nben: artefact?"
    save(desk.library, desk.masks[0], based_on=opened(desk.library)["raters"]["anna"]["sha256"])  # None keeps them
    assert opened(desk.library)["raters"]["anna"]["notes"] == "one near the horn"
    save(desk.library, desk.masks[0], notes="")
    assert opened(desk.library)["notes"] == "artefact?"
    assert b"horn" not in b"".join(all_files(desk.library).values())


def test_a_soft_label_reopens_with_its_settings_and_is_told_out_of_date_when_a_mask_changes(desk, tmp_path):
    save(desk.library, desk.masks[0], images=desk.images)
    save(desk.library, desk.masks[1], rater="ben")
    raters = opened(desk.library)["raters"]
    softening = {"merge": "soft-union", "gamma": 0.25, "method": "barilan", "radius_mm": 2.0}
    spec = {
        "raters": [raters[name]["path"] for name in ("anna", "ben")],
        "flair": str(resolve_inside(desk.library, CASE.folder / "sub-1_FLAIR.nii.gz")),
        "softening": softening,
        "out": str(tmp_path / "target.nii.gz"),
    }
    assert run(parse_job({"job": "s", "kind": "softmask", "spec": spec}), lambda event: None).exit_code == 0
    save(desk.library, desk.masks[0], soft_label=tmp_path / "target.nii.gz", soft_label_name="barilan")
    there = opened(desk.library)["soft_label"]
    assert (there["name"], there["current"]) == ("barilan", True)
    assert {key: there["settings"][key] for key in softening} == softening
    np.testing.assert_array_equal(array(there["path"]), array(tmp_path / "target.nii.gz"))
    assert "gamma 0.25" in kept(desk.library).history[-1].change
    save(desk.library, desk.masks[2], rater="ben", based_on=raters["ben"]["sha256"])
    assert opened(desk.library)["soft_label"]["current"] is False
    sidecar = tmp_path / "target.json"
    sidecar.write_text(sidecar.read_text().replace('"sha256": "', '"sha256": "0'))
    with pytest.raises(BadLibrary, match=r"target\.json"):
        save(desk.library, desk.masks[0], soft_label=tmp_path / "target.nii.gz")


def test_a_soft_label_without_sidecar_is_kept_with_unknown_settings(desk, tmp_path):
    save(desk.library, desk.masks[0], images=desk.images, soft_label=written(soft(), tmp_path / "s.nii.gz"))
    there = opened(desk.library)["soft_label"]
    assert (there["settings"], there["current"]) == (None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"patient": "Doe Jane"},
        {"rater": "Dr. Anna"},
        {"mask": "lost.nrrd"},
        {"images": {}},
        {"result": "."},
        {"status": "excluded"},
        {"notes": "x" * 10_001},
        {"colour": "red"},
    ],
)
def test_a_wrong_save_is_refused_and_leaves_no_case(desk, tmp_path, monkeypatch, wrong):
    monkeypatch.chdir(tmp_path)
    spec = {"images": desk.images, "mask": desk.masks[0], **wrong}
    with pytest.raises(RequestError) as caught:
        save(desk.library, spec.pop("mask"), **spec)
    assert str(tmp_path) not in str(caught.value)
    assert not desk.library.exists() or read_library(desk.library) == []


def test_a_mask_off_flairs_grid_and_a_second_exam_under_one_id_are_refused_and_nothing_changes(desk, tmp_path):
    save(desk.library, desk.masks[0], images=desk.images)
    before = case_files(desk.library)
    moved = written(labels(1, origin_mm=(0.0, 0.0, 0.0)), tmp_path / "moved.nrrd")
    for mask, images in ((moved, {}), (desk.masks[1], {"flair": written(gray(7), tmp_path / "other.nrrd")})):
        with pytest.raises(MSSoftSegError):
            save(desk.library, mask, images=images, rater="ben")
    assert case_files(desk.library) == before


def test_a_folder_that_holds_something_else_does_not_become_a_library(desk):
    desk.library.mkdir()
    (desk.library / "diary.txt").write_text("x")
    with pytest.raises(RequestError, match="not empty"):
        save(desk.library, desk.masks[0], images=desk.images)
    assert [path.name for path in desk.library.iterdir()] == ["diary.txt"]


def test_a_file_or_a_place_where_no_folder_can_be_is_no_library(desk):
    desk.library.write_text("x")
    for place, words in ((desk.library, "is a file"), (desk.library / "below", "cannot be made")):
        with pytest.raises(RequestError, match=words):
            save(place, desk.masks[0], images=desk.images)


def test_a_share_that_was_unmounted_meanwhile_does_not_become_a_new_library(desk, tmp_path):
    based_on = save(desk.library, desk.masks[0], images=desk.images)["sha256"]
    desk.library.rename(tmp_path / "elsewhere")
    for remains in (False, True):
        if remains:
            desk.library.mkdir()
        with pytest.raises(BadLibrary, match="cannot be reached") as caught:
            save(desk.library, desk.masks[1], images=desk.images, based_on=based_on)
        assert "connect" in caught.value.remedy
    assert list(desk.library.iterdir()) == []


def test_a_library_whose_making_was_interrupted_is_made_by_the_next_save(desk):
    new_library(desk.library.parent)
    (desk.library / "dataset_description.json").unlink()
    save(desk.library, desk.masks[0], images=desk.images)
    assert check_library(desk.library) == []


def test_a_damaged_file_is_named_when_the_case_is_opened(desk):
    save(desk.library, desk.masks[0], images=desk.images)
    path = resolve_inside(desk.library, CASE.image("t1"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadLibrary, match="sub-1_T1w"):
        opened(desk.library)


def test_agreement_of_two_raters_is_measured_and_drawn(desk, tmp_path):
    first, second = labels(0) * 0, labels(0) * 0
    first[0, 0, 0] = first[1, 0, 0] = first[4, 4, 4] = 1
    second[1, 0, 0] = second[2, 0, 0] = 1
    second[6, 0, 0] = 2
    save(desk.library, written(first, tmp_path / "a.nrrd"), images=desk.images)
    save(desk.library, written(second, tmp_path / "b.nrrd"), rater="ben")
    out = tmp_path / "union.nii"
    told = ask("agreement", library=desk.library, case="1", raters=["anna", "ben"], out=out)
    voxel_ml = 1.0 * 1.25 * 3.0 / 1000
    assert told["dsc"] == pytest.approx(2 * 1 / (3 + 2))
    # anna's two lesions: ben drew one of them; ben's one was drawn by anna: recall 1/2, precision 1.
    assert told["lesion_f1"] == pytest.approx(2 / 3)
    assert told["lesions"] == {"a": 2, "b": 1, "a_touched": 1, "b_touched": 1}
    assert told["volumes"] == pytest.approx({"anna": 3 * voxel_ml, "ben": 2 * voxel_ml})
    volumes = (told["agreed_ml"], told["only_a_ml"], told["only_b_ml"], told["possible_ml"]["ben"])
    assert volumes == pytest.approx((voxel_ml, 2 * voxel_ml, voxel_ml, voxel_ml))
    drawn = array(out)
    assert drawn[0, 0, :3].tolist() == [0.5, 1.0, 0.5]
    assert float(drawn.sum()) == 2.5
    for raters, words in ((["anna", "carl"], "carl"), (["anna", "anna"], "different")):
        with pytest.raises(RequestError, match=words):
            ask("agreement", library=desk.library, case="1", raters=raters, out=out)
    with pytest.raises(RequestError, match="in the case library"):
        ask("agreement", library=desk.library, case="1", raters=["anna", "ben"], out=desk.library / "u.nii")


def test_the_librarys_merge_is_chosen_told_and_checked(desk):
    save(desk.library, desk.masks[0], images=desk.images)
    assert ask("settings", library=desk.library) == {"softening": None, "merge": None}
    chosen = ask("settings", library=desk.library, softening={"merge": "union", "gamma": 0.3})
    assert chosen["merge"] == "union"
    assert ask("worklist", library=desk.library)["merge"] == "union"
    assert check_library(desk.library) == []
    path = desk.library / "derivatives" / "mssoftseg" / "library.json"
    assert json.loads(path.read_text())["softening"]["gamma"] == 0.3
    path.write_text("{")
    assert [(finding.kind, finding.file) for finding in check_library(desk.library)] == [
        ("damaged", "derivatives/mssoftseg/library.json")
    ]


def test_notes_and_former_masks_stay_behind_when_cases_leave_the_library(desk, tmp_path):
    based_on = save(desk.library, desk.masks[0], images=desk.images, notes="one near the horn")["sha256"]
    save(desk.library, desk.masks[1], based_on=based_on)
    export_bids(desk.library, tmp_path / "out", statuses=["approved"])
    assert b"near the horn" not in b"".join(all_files(tmp_path / "out").values())
    assert not [name for name in all_files(tmp_path / "out") if "/earlier/" in name]
    (mask,) = (tmp_path / "out").rglob("*_dseg.nii.gz")
    np.testing.assert_array_equal(array(mask), sitk.GetArrayFromImage(labels(1)))
