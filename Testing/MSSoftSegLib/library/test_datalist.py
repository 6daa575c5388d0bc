"""Data lists: what is listed is read, what is missing is named."""

from __future__ import annotations

import json

import pytest

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.datalist import read_datalist, write_datalist
from MSSoftSegLib.library.reading import read_labeled_cases
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import flair_only, gray, labels, new_library, soft


@pytest.fixture
def place(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("f1", "t1", "m1", "m2", "s1", "w1", "sub-07_ses-1_FLAIR"):
        (tmp_path / "data" / f"{name}.nii.gz").write_bytes(b"an image")
    return tmp_path


def listed(place, *entries, **document):
    path = place / "list.json"
    path.write_text(json.dumps({**document, "training": list(entries)}))
    return path


def test_images_by_modality_raters_and_a_soft_label_are_read_relative_to_the_list(place):
    path = listed(
        place,
        {
            "image": {"t1": "data/t1.nii.gz", "flair": "data/f1.nii.gz"},
            "labels": {"B": "data/m2.nii.gz", "A": "data/m1.nii.gz"},
            "soft_label": "data/s1.nii.gz",
            "confidence": "data/w1.nii.gz",
            "patient": 7,
            "case": "seventh",
            "preprocessed": True,
            "fold": 3,
        },
    )
    (case,) = read_datalist(path)
    assert (case.case, case.patient, case.preprocessed) == ("seventh", "7", True)
    assert {key: file.name for key, file in case.images.items()} == {
        Modality.FLAIR: "f1.nii.gz",
        Modality.T1: "t1.nii.gz",
    }
    assert list(case.images) == [Modality.FLAIR, Modality.T1]
    assert {key: file.name for key, file in case.raters.items()} == {"A": "m1.nii.gz", "B": "m2.nii.gz"}
    assert (case.soft_label.name, case.confidence.name) == ("s1.nii.gz", "w1.nii.gz")


FLAIR, T1, LABEL = "data/f1.nii.gz", "data/t1.nii.gz", "data/m1.nii.gz"


@pytest.mark.parametrize(
    ("entry", "document"),
    [
        ({"image": [T1, FLAIR], "label": LABEL}, {"modality": {"1": "FLAIR", "0": "T1w"}}),
        ({"image": [T1, FLAIR], "label": LABEL}, {"channel_names": {"0": "T1", "1": "flair"}}),
        ({"image": [T1, FLAIR], "label": LABEL, "modalities": ["t1", "flair"]}, {}),
        ({"flair": FLAIR, "t1": T1, "label": LABEL}, {}),
        ({"image": [T1, FLAIR, "data/w1.nii.gz"], "label": LABEL, "modalities": ["T1w", "FLAIR", "t1gd"]}, {}),
    ],
)
def test_every_usual_way_to_say_which_image_is_which_is_understood(place, entry, document):
    (case,) = read_datalist(listed(place, entry, **document))
    assert {key: file.name for key, file in case.images.items()} == {
        Modality.FLAIR: "f1.nii.gz",
        Modality.T1: "t1.nii.gz",
    }
    assert {key: file.name for key, file in case.raters.items()} == {"label": "m1.nii.gz"}


def test_one_image_is_flair_and_visits_of_one_bids_subject_are_one_patient(place):
    path = listed(
        place,
        {"image": FLAIR, "label": LABEL},
        {"image": ["data/sub-07_ses-1_FLAIR.nii.gz"], "soft_label": "data/s1.nii.gz"},
    )
    first, second = read_datalist(path)
    assert (first.case, first.patient, first.is_pseudo_labelled) == ("f1", "f1", False)
    assert (second.case, second.patient, second.is_pseudo_labelled) == ("sub-07_ses-1_FLAIR", "sub-07", True)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"image": "data/lost.nii.gz", "label": LABEL}, "lost.nii.gz does not exist"),
        ({"image": FLAIR, "label": "lost.nii.gz"}, "lost.nii.gz does not exist"),
        ({"image": FLAIR}, "neither label"),
        ({"label": LABEL}, "no image"),
        ({"image": {"t1": T1}, "label": LABEL}, "no FLAIR"),
        ({"image": [T1, FLAIR], "label": LABEL}, "which image is which"),
        ({"image": {"flair": FLAIR, "FLAIR": T1}, "label": LABEL}, "two FLAIR"),
        ({"image": FLAIR, "labels": [LABEL]}, "not an object"),
        ({"image": {"flair": 3}, "label": LABEL}, "not text"),
        ("f1.nii.gz", "not an object"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said_with_its_number(place, entry, words):
    with pytest.raises(BadLibrary, match="entry 2") as caught:
        read_datalist(listed(place, {"image": FLAIR, "label": LABEL, "case": "fine"}, entry))
    assert words in caught.value.message
    assert str(place) not in str(caught.value)


def test_patient_0_is_a_patient(place):
    first = {"flair": "data/f1.nii.gz", "label": LABEL, "patient": 0, "case": 0}
    second = {"flair": "data/t1.nii.gz", "label": "data/m2.nii.gz", "patient": 0, "case": 1}
    cases = read_datalist(listed(place, first, second))
    assert [(case.case, case.patient) for case in cases] == [("0", "0"), ("1", "0")]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"training": []}', '{"training": {}}', "\x00"])
def test_a_file_that_is_no_data_list_is_refused_by_name(place, content):
    (place / "list.json").write_text(content)
    with pytest.raises(BadLibrary, match=r"list\.json"):
        read_datalist(place / "list.json")
    with pytest.raises(BadLibrary, match="other"):
        read_datalist(place / "other.json")


def test_a_case_listed_twice_is_refused(place):
    entry = {"image": FLAIR, "label": LABEL}
    with pytest.raises(BadLibrary, match="twice"):
        read_datalist(listed(place, entry, entry))


def test_what_is_written_reads_back_as_the_same_cases(tmp_path):
    library = new_library(tmp_path)
    images = {Modality.FLAIR: gray(), Modality.PD: gray(1)}
    add_case(library, patient="1", session="2", images=images, raters={"A": labels(), "B": labels(1)})
    add_case(library, patient="2", images=flair_only(), soft_label=soft(), confidence=soft(1), preprocessed=True)
    cases = read_labeled_cases(library, statuses=("segmented",))
    (tmp_path / "elsewhere").mkdir()
    path = write_datalist(cases, tmp_path / "elsewhere" / "list.json")
    back = read_datalist(path)
    for case, again in zip(cases, back, strict=True):
        assert (case.case, case.patient, case.preprocessed) == (again.case, again.patient, again.preprocessed)
        for one, other in ((case.images, again.images), (case.raters, again.raters)):
            assert {k: v.resolve() for k, v in one.items()} == {k: v.resolve() for k, v in other.items()}
        assert (case.soft_label and case.soft_label.resolve()) == (again.soft_label and again.soft_label.resolve())
    assert not any(
        name.startswith("/") for entry in json.loads(path.read_text())["training"] for name in entry["image"]
    )


@pytest.mark.parametrize(
    ("channels", "field"),
    [
        ({"a": "flair"}, "channel_names"),
        (3, "channel_names"),
        ({"1": "flair"}, "channel_names"),
        ({"0": 5}, r"channel_names\.0"),
    ],
)
def test_channels_of_another_shape_are_refused_by_field(place, channels, field):
    entry = {"image": ["data/f1.nii.gz"], "label": "data/m1.nii.gz"}
    with pytest.raises(BadLibrary, match=field):
        read_datalist(listed(place, entry, channel_names=channels))


@pytest.mark.parametrize(
    "wrong",
    [
        {"patient": ["7"]},
        {"case": {}},
        {"preprocessed": "no"},
        {"modalities": 3},
        {"label": 1},
        {"labels": ["a"]},
    ],
)
def test_a_field_of_another_shape_is_refused_with_its_entry(place, wrong):
    entry = {"image": ["data/f1.nii.gz"], "label": "data/m1.nii.gz", **wrong}
    with pytest.raises(BadLibrary, match="entry 1"):
        read_datalist(listed(place, entry))


def test_entries_whose_names_tell_of_visits_are_of_one_patient_and_doubtful_ones_are_asked_about(place):
    def entries(*names):
        for name in names:
            (place / "data" / f"{name}.nii.gz").write_bytes(b"an image")
        return [{"image": f"data/{name}.nii.gz", "label": "data/m1.nii.gz"} for name in names]

    first, second, other = read_datalist(listed(place, *entries("P1_visit1", "P1_visit2", "P2_visit1")))
    assert first.patient == second.patient != other.patient
    with pytest.raises(BadLibrary, match="may be two visits") as caught:
        read_datalist(listed(place, *entries("MS_1_01", "MS_1_02", "MS_2_01")))
    assert "patient" in caught.value.remedy
