"""What is added is what comes back, and nothing that is there is lost."""

from __future__ import annotations

import errno
import json

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.errors import BadImage, BadLibrary, GridMismatch, OutputExists, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library import transaction
from MSSoftSegLib.library.case_record import STATUSES
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.layout import CaseId, find_case_of_file, parse_case
from MSSoftSegLib.library.reading import read_case, read_labeled_cases, read_library
from MSSoftSegLib.library.status import set_status
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import (
    SIZE,
    all_files,
    array,
    case_files,
    flair_only,
    gray,
    labels,
    new_library,
    oblique_grid,
    soft,
    written,
)

ALPHANUMERIC = st.text("ABCXYZabcxyz0189", min_size=1, max_size=12)


@pytest.fixture
def library(tmp_path):
    return new_library(tmp_path)


def four_images(tmp_path):
    return {m: written(gray(n), tmp_path / f"image{n}.nii.gz") for n, m in enumerate(Modality)}


def test_a_case_comes_back_as_training_takes_it_with_every_value_and_its_place(library, tmp_path):
    images = four_images(tmp_path)
    raters = {name: written(labels(n), tmp_path / f"{name}.nii.gz") for n, name in enumerate(("B", "A"))}
    target = written(soft(), tmp_path / "soft.nii.gz")
    weight = written(soft(1), tmp_path / "weight.nii.gz")
    add_case(
        library,
        patient="01",
        session="2",
        images=images,
        raters=raters,
        soft_label=target,
        confidence=weight,
        status="approved",
    )
    (case,) = read_labeled_cases(library, verify=True)
    assert (case.case, case.patient, case.preprocessed) == ("sub-01_ses-2", "01", False)
    assert list(case.images) == list(Modality)
    assert list(case.raters) == ["A", "B"]
    assert not case.is_pseudo_labelled
    stored = [*case.images.items(), *case.raters.items(), (0, case.soft_label), (1, case.confidence)]
    given = [*images.items(), *sorted(raters.items()), (0, target), (1, weight)]
    for (_, kept), (_, original) in zip(stored, given, strict=True):
        np.testing.assert_array_equal(array(kept), array(original))
        np.testing.assert_allclose(nibabel.load(kept).affine, nibabel.load(original).affine, atol=1e-5)


def test_the_layout_is_the_one_of_the_contract(library):
    add_case(library, patient="7", images={Modality.FLAIR: gray(), Modality.T2: gray(1)}, raters={"R1": labels()})
    assert set(case_files(library)) == {
        "README",
        "dataset_description.json",
        "participants.tsv",
        "derivatives/mssoftseg/dataset_description.json",
        "sub-7/anat/sub-7_FLAIR.nii.gz",
        "sub-7/anat/sub-7_T2w.nii.gz",
        "derivatives/mssoftseg/sub-7/anat/sub-7_space-FLAIR_label-lesion_desc-R1_dseg.nii.gz",
        "derivatives/mssoftseg/sub-7/anat/sub-7_case.json",
    }
    assert (library / "participants.tsv").read_text() == "participant_id\nsub-7\n"
    assert json.loads((library / "dataset_description.json").read_text())["DatasetType"] == "raw"


def test_columns_and_lines_that_people_added_to_participants_stay(library):
    (library / "participants.tsv").write_text("participant_id\tage\nsub-9\t44\n")
    add_case(library, patient="10", images=flair_only())
    assert (library / "participants.tsv").read_text() == "participant_id\tage\nsub-9\t44\nsub-10\tn/a\n"


@settings(max_examples=60)
@given(patient=ALPHANUMERIC, session=st.none() | ALPHANUMERIC, rater=ALPHANUMERIC)
def test_every_allowed_id_names_files_that_lead_back_to_the_case(patient, session, rater):
    case = CaseId(patient, session)
    assert parse_case(str(case)) == case
    names = [case.record, case.rater_mask(rater), case.confidence(rater), *map(case.image, Modality)]
    assert len(set(names)) == len(names)
    assert all(find_case_of_file(name) == case for name in names)


@settings(max_examples=100)
@given(st.text(max_size=80))
def test_any_other_id_is_refused_with_what_is_allowed(text):
    allowed = text.isascii() and text.isalnum() and len(text) <= 64
    if allowed:
        assert CaseId(text).patient == text
        return
    with pytest.raises(RequestError) as caught:
        CaseId(text)
    assert "letters A–Z and digits" in caught.value.remedy
    with pytest.raises(RequestError):
        CaseId("1", text)
    with pytest.raises(RequestError):
        CaseId("1").rater_mask(text)


@pytest.mark.parametrize("patient", ["../elsewhere", "Doe Jane", "a/b", "é", "", "sub-01", "x" * 65])
def test_adding_under_a_bad_id_writes_nothing(library, patient):
    before = all_files(library)
    with pytest.raises(RequestError):
        add_case(library, patient=patient, images=flair_only())
    assert all_files(library) == before


@pytest.mark.parametrize("moved", ["origin", "turn", "size"])
def test_a_mask_that_does_not_lie_on_flair_is_refused_and_nothing_is_kept(library, tmp_path, moved):
    grid = {"origin": {"origin_mm": (-12.5, 3.25, 40.1)}, "turn": {"turn": 0.31}, "size": {"size": (7, 6, 4)}}[moved]
    before = all_files(library)
    for mask in (labels(**grid), written(labels(**grid), tmp_path / "drawn.nii.gz")):
        with pytest.raises(GridMismatch):
            add_case(library, patient="1", images=flair_only(), raters={"A": mask})
    target = soft(**({} if moved == "size" else grid))
    flair = gray(size=(7, 6, 4)) if moved == "size" else gray()
    with pytest.raises(GridMismatch):
        add_case(library, patient="1", images={Modality.FLAIR: flair}, soft_label=target)
    assert all_files(library) == before


def test_a_mask_may_lie_on_t1_only_if_t1_is_flair(library):
    images = {Modality.FLAIR: gray(), Modality.T1: gray(1, turn=0.1)}
    with pytest.raises(GridMismatch):
        add_case(library, patient="1", images=images, raters={"A": labels(turn=0.1)})
    with pytest.raises(GridMismatch, match="T1"):
        add_case(library, patient="1", images=images, preprocessed=True)
    assert add_case(library, patient="1", images=images, raters={"A": labels()}).preprocessed is False


@pytest.mark.parametrize("value", [3, 255])
def test_a_label_that_means_nothing_here_is_refused(library, value):
    image = labels()
    image[0, 0, 0] = value
    with pytest.raises(BadImage, match=str(value)):
        add_case(library, patient="1", images=flair_only(), raters={"A": image})


@pytest.mark.parametrize("values", [(-0.1, 0.5), (0.5, 1.1), (float("nan"), 0.5)])
def test_a_soft_label_outside_0_to_1_is_refused(library, tmp_path, values):
    image = soft()
    image[0, 0, 0], image[1, 0, 0] = values
    for source in (image, written(image, tmp_path / "s.nii.gz")):
        with pytest.raises(BadImage):
            add_case(library, patient="1", images=flair_only(), soft_label=source)


def test_a_case_without_lesion_is_a_case(library):
    empty = soft() * 0
    add_case(library, patient="1", images=flair_only(), raters={"A": sitk.Cast(empty, sitk.sitkUInt8)})
    add_case(library, patient="2", images=flair_only(), soft_label=empty)
    assert [record.pseudo_labelled for record in read_library(library)] == [False, True]
    cases = read_labeled_cases(library, statuses=("segmented",))
    assert [case.is_pseudo_labelled for case in cases] == [False, True]


def test_a_second_rater_joins_and_the_first_stays(library):
    add_case(library, patient="1", images=flair_only(), raters={"A": labels(0)})
    first = case_files(library)
    record = add_case(library, patient="1", raters={"B": labels(1)})
    assert set(record.raters) == {"A", "B"}
    after = case_files(library)
    assert all(after[name] == content for name, content in first.items() if not name.endswith("_case.json"))
    assert [entry.change.count("added") for entry in record.history] == [2, 1]


def test_adding_the_same_again_changes_nothing_even_compressed_otherwise(library, tmp_path):
    images = {Modality.FLAIR: written(gray(), tmp_path / "f.nii.gz")}
    add_case(library, patient="1", images=images, raters={"A": labels()}, status="approved")
    before = case_files(library)
    plain = {Modality.FLAIR: written(gray(), tmp_path / "f.nii")}
    add_case(library, patient="1", images=plain, raters={"A": written(labels(), tmp_path / "m.nrrd")})
    assert case_files(library) == before


def test_another_mask_of_the_same_rater_is_refused_unless_it_shall_replace(library):
    old = add_case(library, patient="1", images=flair_only(), raters={"A": labels(0)}, status="approved")
    before = case_files(library)
    with pytest.raises(RequestError, match="differs") as caught:
        add_case(library, patient="1", raters={"A": labels(1)})
    assert "--replace" in caught.value.remedy
    assert case_files(library) == before
    record = add_case(library, patient="1", raters={"A": labels(1)}, replace=True)
    start, end = (sitk.GetArrayFromImage(labels(n)) > 0 for n in (0, 1))
    edits = record.raters["A"].edits
    assert (edits.voxels_added, edits.voxels_removed) == (int((end & ~start).sum()), int((start & ~end).sum()))
    name = str(CaseId("1").rater_mask("A"))
    assert record.history[-1].replaced == {name: old.checksums[name]}
    assert record.status == "corrected"  # nobody approved the new mask
    assert check_library(library) == []


def test_edits_are_counted_against_the_mask_that_the_rater_started_from(library):
    start = labels(5) * 0
    start[0, 0, 0] = start[1, 0, 0] = 1
    drawn = labels(5) * 0
    drawn[1, 0, 0] = drawn[2, 0, 0] = drawn[3, 0, 0] = 1
    record = add_case(
        library, patient="1", images=flair_only(), raters={"A": drawn}, edited_from=start, source_model="starter"
    )
    assert record.raters["A"].edits.model_dump() == {"voxels_added": 2, "voxels_removed": 1}
    assert record.source_model == "starter"


def test_an_image_is_never_replaced(library):
    add_case(library, patient="1", images=flair_only(0), raters={"A": labels()})
    before = case_files(library)
    for replace in (False, True):
        with pytest.raises(RequestError, match="sub-1_FLAIR"):
            add_case(library, patient="1", images=flair_only(1), replace=replace)
    assert case_files(library) == before


def test_a_soft_label_of_another_name_takes_the_old_one_with_it(library):
    add_case(library, patient="1", images=flair_only(), soft_label=soft(), soft_label_name="kats", confidence=soft(1))
    with pytest.raises(RequestError):
        add_case(library, patient="1", soft_label=soft(2), soft_label_name="teacher")
    record = add_case(library, patient="1", soft_label=soft(2), soft_label_name="teacher", replace=True)
    assert record.soft_label.name == "teacher"
    assert not record.soft_label.confidence
    assert not [name for name in case_files(library) if "kats" in name]
    assert check_library(library) == []


def test_ids_and_raters_that_differ_in_capitals_only_are_refused(library):
    add_case(library, patient="aB", session="x", images=flair_only(), raters={"Ann": labels()})
    for patient, session in (("Ab", "x"), ("aB", "X")):
        with pytest.raises(RequestError, match="capitals"):
            add_case(library, patient=patient, session=session, images=flair_only(1))
    with pytest.raises(RequestError, match="capitals"):
        add_case(library, patient="aB", session="x", raters={"ann": labels(1)})
    add_case(library, patient="aB", session="y", images=flair_only(1))


def test_labels_need_a_case_and_a_case_needs_flair(library):
    with pytest.raises(RequestError, match="no case") as caught:
        add_case(library, patient="1", raters={"A": labels()})
    assert "FLAIR" in caught.value.remedy
    with pytest.raises(RequestError):
        add_case(library, patient="1", images={Modality.T1: gray()})
    with pytest.raises(RequestError, match="confidence"):
        add_case(library, patient="1", images=flair_only(), confidence=soft())


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("labeled", [True, False])
def test_a_status_says_whether_there_is_a_label(library, status, labeled):
    raters = {"A": labels()} if labeled else {}
    fits = status == "excluded" or labeled != (status == "unlabelled")
    if not fits:
        with pytest.raises(RequestError, match=status):
            add_case(library, patient="1", images=flair_only(), raters=raters, status=status)
        add_case(library, patient="1", images=flair_only(), raters=raters)
        with pytest.raises(RequestError, match=status):
            set_status(library, CaseId("1"), status)
        return
    assert add_case(library, patient="1", images=flair_only(), raters=raters, status=status).status == status
    assert len(read_labeled_cases(library, statuses=(status,))) == int(labeled)


def test_a_status_has_a_history_and_only_approved_cases_are_trained_on(library):
    add_case(library, patient="1", images=flair_only(), raters={"A": labels()})
    assert read_labeled_cases(library) == []
    for status in ("corrected", "approved", "approved"):
        record = set_status(library, CaseId("1"), status)
    assert [entry.change.rpartition("status ")[2] for entry in record.history] == ["segmented", "corrected", "approved"]
    assert len(read_labeled_cases(library)) == 1
    with pytest.raises(RequestError, match="sub-2"):
        set_status(library, CaseId("2"), "approved")
    with pytest.raises(RequestError, match="fine"):
        read_labeled_cases(library, statuses=("fine",))


def test_preprocessed_is_remembered_and_not_mixed(library):
    add_case(library, patient="1", images=flair_only(), raters={"A": labels()}, preprocessed=True, status="approved")
    assert read_labeled_cases(library)[0].preprocessed
    with pytest.raises(RequestError, match="preprocessed"):
        add_case(library, patient="1", images={Modality.T1: gray(1)}, preprocessed=False)
    assert add_case(library, patient="1", images={Modality.T1: gray(1)}, preprocessed=True).preprocessed


def test_a_vanished_or_altered_file_is_named_when_cases_are_read(library):
    add_case(library, patient="1", images=flair_only(), raters={"A": labels()}, status="approved")
    mask = read_labeled_cases(library)[0].raters["A"]
    content = mask.read_bytes()
    mask.write_bytes(content[:-1])
    read_labeled_cases(library)
    with pytest.raises(BadLibrary, match="sub-1_space-FLAIR_label-lesion_desc-A_dseg"):
        read_labeled_cases(library, verify=True)
    mask.unlink()
    with pytest.raises(BadLibrary, match="sub-1_space-FLAIR_label-lesion_desc-A_dseg"):
        read_labeled_cases(library)


def test_adding_a_case_again_mends_its_damaged_file(library):
    add_case(library, patient="1", images=flair_only(), raters={"A": labels()})
    before = case_files(library)
    mask = library.joinpath(*CaseId("1").rater_mask("A").parts)
    mask.write_bytes(b"damaged")
    add_case(library, patient="1", images=flair_only(), raters={"A": labels()})
    assert case_files(library) == before


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_library_that_may_not_be_written_to_says_so(library, monkeypatch, code):
    def refuse(*arguments, **keywords):
        raise OSError(code, "no")

    monkeypatch.setattr(transaction.Path, "mkdir", refuse)
    with pytest.raises(RequestError, match="may not be written to"):
        add_case(library, patient="1", images=flair_only())


@pytest.mark.parametrize("field", ["status", "checksums", "colour", "patient"])
def test_a_record_that_does_not_hold_is_refused_by_the_name_of_the_field(library, field):
    add_case(library, patient="1", images=flair_only(), raters={"A": labels()})
    path = library.joinpath(*CaseId("1").record.parts)
    document = json.loads(path.read_text())
    document[field] = {"checksums": {}, "patient": "2"}.get(field, "great")
    path.write_text(json.dumps(document))
    with pytest.raises(BadLibrary) as caught:
        read_case(library, CaseId("1"))
    assert "sub-1_case.json" in caught.value.message
    assert "checksums" in caught.value.message if field == "patient" else field in caught.value.message


def test_a_library_is_made_in_an_empty_place_only_and_another_folder_is_none(tmp_path, library):
    with pytest.raises(OutputExists, match="already"):
        create_library(library)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("x")
    with pytest.raises(OutputExists, match="not empty"):
        create_library(tmp_path / "mine")
    for folder in (tmp_path / "mine", tmp_path / "nowhere"):
        with pytest.raises(BadLibrary, match=folder.name):
            add_case(folder, patient="1", images=flair_only())


def test_an_image_with_a_bad_value_is_refused_by_the_readers_of_the_exam_room(library):
    values = np.ones(SIZE[::-1], np.float32)
    values[0, 0, 0] = np.nan
    with pytest.raises(BadImage):
        add_case(library, patient="1", images={Modality.FLAIR: oblique_grid(sitk.GetImageFromArray(values))})
    assert read_library(library) == []
