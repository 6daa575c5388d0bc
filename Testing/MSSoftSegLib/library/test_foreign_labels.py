"""Labels of other people's data sets: what a value means is said, or asked; no marked voxel becomes background without a word."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.label_doubts import find_mask_doubts, value_counts
from MSSoftSegLib.library.importing.choices import Choices
from MSSoftSegLib.library.importing.description import read_channel_names, read_label_names
from MSSoftSegLib.library.importing.run import import_cases
from MSSoftSegLib.library.reading import read_labeled_cases
from Testing.MSSoftSegLib.library.made_cases import SIZE, array, gray, new_library, oblique_grid, written

DESCRIBED = {"background": 0, "lesion": 1}


@pytest.fixture
def library(tmp_path):
    return new_library(tmp_path)


def label_map(values):
    """A label map that holds each of the values in a few voxels: the first in one, the second in two, and so on."""
    labels = np.zeros(SIZE[::-1], np.uint8)
    places = iter(range(labels.size))
    for count, value in enumerate(values, start=1):
        for _ in range(count):
            labels.ravel()[next(places)] = value
    return oblique_grid(sitk.GetImageFromArray(labels))


def nnunet(folder, values, described=DESCRIBED, stems=("MS1",), **more):
    for number, stem in enumerate(stems):
        written(gray(number), folder / "imagesTr" / f"{stem}_0000.nii.gz")
        written(label_map(values), folder / "labelsTr" / f"{stem}.nii.gz")
    document = {"channel_names": {"0": "FLAIR"}, "labels": described, "file_ending": ".nii.gz", **more}
    (folder / "dataset.json").write_text(json.dumps(document))
    return folder


def only_mask(library):
    (case,) = read_labeled_cases(library)
    return array(next(iter(case.raters.values())))


@pytest.mark.parametrize("values", [[255], [1, 2], [1, 7, 9], [2]])
def test_a_value_that_is_not_described_is_refused_by_value_and_count(library, tmp_path, values):
    imported = import_cases(library, nnunet(tmp_path / "data", values), "nnunet")
    assert imported.cases == ()
    for count, value in enumerate(values, start=1):
        if value != 1:
            assert f"{value} ({count} voxel" in imported.problems["MS1"]


def test_one_value_without_any_description_is_the_lesion(library, tmp_path):
    import_cases(library, nnunet(tmp_path / "data", [255], described=None), "nnunet")
    assert value_counts(only_mask(library)) == {1: 1}


def test_several_values_without_any_description_are_asked_about(library, tmp_path):
    imported = import_cases(library, nnunet(tmp_path / "data", [1, 4], described=None), "nnunet")
    assert "1 (1 voxel), 4 (2 voxels)" in imported.problems["MS1"]


def test_what_a_data_set_calls_ignore_is_asked_about_and_taken_as_possible_where_that_is_said(library, tmp_path):
    source = nnunet(tmp_path / "data", [1, 2], described={**DESCRIBED, "ignore": 2})
    imported = import_cases(library, source, "nnunet")
    assert "2 (2 voxels)" in imported.problems["MS1"]
    assert "--possible 2" in imported.problems["MS1"]
    import_cases(library, source, "nnunet", choices=Choices(possible=(2,)))
    assert value_counts(only_mask(library)) == {1: 1, 2: 2}


@pytest.mark.parametrize("name", ["ventricles", "normal appearing tissue", "White matter"])
def test_what_is_called_something_else_than_lesion_is_asked_about(library, tmp_path, name):
    with pytest.raises(RequestError, match="label 2"):
        import_cases(library, nnunet(tmp_path / "data", [1, 2], described={**DESCRIBED, name: 2}), "nnunet")
    import_cases(
        library,
        nnunet(tmp_path / "data", [1, 2], described={**DESCRIBED, name: 2}),
        "nnunet",
        choices=Choices(labels=(1,)),
    )
    assert value_counts(only_mask(library)) == {1: 1}


@pytest.mark.parametrize("described", [{"ignore": 0, "background": 1, "lesion": 2}, {"lesion": 0, "background": 1}])
def test_a_background_that_is_not_0_is_asked_about(library, tmp_path, described):
    with pytest.raises(RequestError, match=r"label [01] '(background|lesion)'"):
        import_cases(library, nnunet(tmp_path / "data", [1, 2], described=described), "nnunet")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(
        st.sampled_from(["lesion", "black hole", "possible lesion", "juxtacortical lesion"]), min_size=1, unique=True
    ),
    values=st.permutations(range(1, 6)),
    held=st.sets(st.integers(1, 6), min_size=1, max_size=4),
)
def test_every_marked_voxel_is_still_marked_or_the_case_is_refused(tmp_path_factory, names, values, held):
    described = dict(zip(names, values, strict=False))
    folder = tmp_path_factory.mktemp("labels")
    library = new_library(folder)
    source = nnunet(folder / "data", sorted(held), described={"background": 0, **described})
    imported = import_cases(library, source, "nnunet")
    if imported.problems:
        assert not held <= set(described.values())
        return
    drawn = array(source / "labelsTr" / "MS1.nii.gz")
    np.testing.assert_array_equal(only_mask(library) > 0, drawn > 0)


@pytest.mark.parametrize(
    ("channels", "field"),
    [
        (["FLAIR", "T1"], "channel_names"),
        ({"FLAIR": 0, "T1": 1}, "channel_names"),
        ({"a": "FLAIR"}, "channel_names"),
        ({"0": None, "1": "FLAIR"}, r"channel_names\.0"),
        ({"1": "FLAIR", "2": "T1"}, "channel_names"),
        ({}, "channel_names"),
        (3, "channel_names"),
    ],
)
def test_channels_of_another_shape_are_refused_by_field(channels, field):
    with pytest.raises(BadLibrary, match=field) as caught:
        read_channel_names({"channel_names": channels}, ("channel_names", "modality"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "labels",
    [
        ["background", "lesion"],
        {"background": 0, "lesion": "one"},
        {"lesion": None},
        {"lesion": 1.5},
        {"lesion": True},
        {"lesion": -1},
        {"lesion": 1, "other": 1},
        {"lesion": [1, "two"]},
        {"lesion": {"value": 1}},
        "lesion",
    ],
)
def test_labels_of_another_shape_are_refused_by_field(labels):
    with pytest.raises(BadLibrary, match="labels"):
        read_label_names({"labels": labels})


@pytest.mark.parametrize("content", ["", "[]", "{", '{"labels": {}, "labels": {}}', "[" * 100_000, "null", "\ufeff{"])
def test_a_description_that_is_no_json_object_is_refused(library, tmp_path, content):
    source = nnunet(tmp_path / "data", [1])
    (source / "dataset.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadLibrary, match=r"dataset\.json"):
        import_cases(library, source, "nnunet")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_description_with_a_byte_order_mark_is_read(library, tmp_path, encoding):
    source = nnunet(tmp_path / "data", [1])
    text = (source / "dataset.json").read_text()
    (source / "dataset.json").write_text(text, encoding=encoding)
    assert import_cases(library, source, "nnunet").cases == ("sub-MS1",)


def test_a_channel_that_is_there_and_not_described_is_refused(library, tmp_path):
    source = nnunet(tmp_path / "data", [1])
    written(gray(5), source / "imagesTr" / "MS1_0001.nii.gz")
    assert "MS1_0001" in import_cases(library, source, "nnunet").problems["MS1"]


def test_a_name_without_a_letter_or_digit_of_ours_is_a_problem_of_its_case_alone(library, tmp_path):
    imported = import_cases(library, nnunet(tmp_path / "data", [1], stems=("患者", "Müller7")), "nnunet")
    assert imported.cases == ("sub-Muller7",)
    assert "rename" in imported.problems["患者"]


def test_one_label_of_two_decathlon_cases_is_refused(library, tmp_path):
    pairs = [{"image": f"imagesTr/MS{n}_0000.nii.gz", "label": "labelsTr/MS1.nii.gz"} for n in (1, 2)]
    source = nnunet(tmp_path / "data", [1], stems=("MS1", "MS2"), training=pairs)
    imported = import_cases(library, source, "msd")
    assert imported.cases == ()
    assert all("labelsTr/MS1.nii.gz as the label of 2 cases" in problem for problem in imported.problems.values())


# What is implausible about a mask


def test_a_mask_of_a_few_lesions_is_not_doubted():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[4:8, 4:8, 4:8] = 1
    labels[4, 4, 4:8] = 2
    assert find_mask_doubts(labels, name="m", brain=np.ones(labels.shape, bool)) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda labels: labels * 0, "marks no voxel"),
        (lambda labels: labels * 0 + 1, "every voxel"),
        (lambda labels: labels * 2, "no value but 2 (64 voxels)"),
        (lambda labels: 1 - labels, "99% of the whole image"),
        (lambda labels: np.where(np.arange(20) < 6, labels, labels * 2), "1 (32 voxels), 2 (32 voxels)"),
    ],
)
def test_what_no_rater_draws_is_doubted_by_value_and_count(change, said):
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[4:8, 4:8, 4:8] = 1
    (doubt,) = find_mask_doubts(change(labels).astype(np.uint8), name="m.nii.gz")
    assert said in doubt
    assert doubt.startswith("m.nii.gz")
