"""What a reader corrected is what is compared: deleted lesions stay away, drawn ones count, elsewhere the model's maps stand."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.change.classes import MIRRORED, ChangeClass
from MSSoftSegLib.change.comparison import compare_visits
from MSSoftSegLib.change.differences import VisitDifference, findings
from MSSoftSegLib.change.document import visit_facts
from MSSoftSegLib.change.readers_mask import ReaderMask, apply_readers_mask, correct_visit, ras_from_voxel
from MSSoftSegLib.change.visit import LesionRegion, MaskSource
from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.errors import BadImage, GridMismatch, RequestError
from MSSoftSegLib.exam.geometry import Grid, image_like, voxels
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.label_digest import compute_label_digest
from MSSoftSegLib.jobs.change.masks import find_library_case, reader_masks
from MSSoftSegLib.jobs.documents.change import GivenMask
from Testing.MSSoftSegLib.change.small_results import write_result_of
from Testing.MSSoftSegLib.change.small_visits import MIDDLE, Spot, visit, way
from Testing.MSSoftSegLib.library.saves import save

OLD = [Spot((-12, 0, 0), 5), Spot((12, 0, 0), 4)]
ARTIFACT = Spot((0, 14, 4), 4)
# The model sees nothing there, the image does.
MISSED = Spot((0, -14, -4), 4, 0.02)


def labels_without(own, number):
    """The model's lesions less one."""
    instances = voxels(own.native_instances)
    return ((instances > 0) & (instances != number)).astype(np.uint8)


def number_at(own, spot):
    """The instance at a spot of a head that did not move."""
    numbers = voxels(own.native_instances)
    return int(numbers[index_of(own, spot)])


def index_of(own, spot):
    """The voxel (z, y, x) of a spot of a head that did not move."""
    place = own.native_instances.TransformPhysicalPointToIndex((MIDDLE + spot.place).tolist())
    return tuple(place[::-1])


def drawn_at(own, spot):
    """The model's lesions and a ball drawn at a spot."""
    labels = (voxels(own.native_instances) > 0).astype(np.uint8)
    z, y, x = np.indices(labels.shape)
    at, grid = index_of(own, spot), Grid.of(own.native_instances)
    apart = [(axis - n) * mm for axis, n, mm in zip((z, y, x), at, grid.spacing_mm[::-1], strict=True)]
    labels[sum(np.square(each) for each in apart) <= spot.radius_mm**2] = 1
    return labels


@pytest.mark.parametrize("slices_mm", [1.0, 3.0, 6.0])
def test_a_false_lesion_that_the_reader_deleted_does_not_return_as_new_nor_faintly(slices_mm):
    before = visit(OLD, slices_mm=slices_mm)
    after = visit([*OLD, ARTIFACT], name="after", seed=2, slices_mm=slices_mm)
    found = [row for row in compare_visits(before, after, way()).changes if not row.group.before]
    assert len(found) == 1
    corrected = correct_visit(after, labels_without(after, number_at(after, ARTIFACT)))
    rows = compare_visits(before, corrected, way()).changes
    assert [bool(row.group.before and row.group.after) for row in rows] == [True, True]
    assert {row.change for row in rows} == {ChangeClass.STABLE}


def test_a_lesion_that_the_reader_drew_and_the_model_missed_is_new_where_the_image_shows_it():
    before, after = visit(OLD), visit([*OLD, MISSED], name="after", seed=2)
    assert all(row.group.before for row in compare_visits(before, after, way()).changes)
    (row,) = (
        row
        for row in compare_visits(before, correct_visit(after, drawn_at(after, MISSED)), way()).changes
        if not row.group.before
    )
    assert row.change is ChangeClass.NEW
    assert row.after_mm3 == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.1)


def test_a_lesion_drawn_at_both_visits_is_stable_though_the_model_saw_it_at_neither():
    both = [*OLD, MISSED]
    before, after = (correct_visit(each, drawn_at(each, MISSED)) for each in (visit(both), visit(both, seed=2)))
    rows = compare_visits(before, dataclasses.replace(after, name="after"), way()).changes
    assert len(rows) == 3
    assert {row.change for row in rows} == {ChangeClass.STABLE}


def test_swapped_corrected_visits_give_the_mirrored_answer():
    before, after = visit([*OLD, ARTIFACT]), visit([*OLD, MISSED], name="after", seed=2)
    before = correct_visit(before, labels_without(before, number_at(before, OLD[1])))
    after = correct_visit(after, drawn_at(after, MISSED))
    forth, back = compare_visits(before, after, way()).changes, compare_visits(after, before, way()).changes
    assert [MIRRORED[row.change] for row in forth] == [row.change for row in back]


def test_an_untouched_mask_changes_nothing():
    own = visit(OLD, slices_mm=2.0)
    same = correct_visit(own, (voxels(own.native_instances) > 0).astype(np.uint8))
    assert np.array_equal(voxels(same.probability), voxels(own.probability))
    assert np.array_equal(voxels(same.native_instances) > 0, voxels(own.native_instances) > 0)
    assert same.mask_source is MaskSource.READER


def test_what_the_reader_calls_possible_is_no_lesion_and_keeps_the_models_probability():
    own = visit(OLD)
    labels = np.where(voxels(own.native_instances) == number_at(own, OLD[1]), 2, labels_without(own, 0))
    corrected = correct_visit(own, labels)
    assert corrected.lesion_count == 1
    assert np.array_equal(voxels(corrected.native_probability), voxels(own.native_probability))


def test_regions_go_with_the_lesions_that_were_the_models():
    own = dataclasses.replace(visit([*OLD, MISSED]), regions={n: LesionRegion(f"place {n}") for n in (1, 2)})
    gone = number_at(own, OLD[0])
    labels = drawn_at(own, MISSED) * (voxels(own.native_instances) != gone)
    corrected = correct_visit(own, labels)
    left = number_at(own, OLD[1])
    assert corrected.regions == {number_at(corrected, OLD[1]): own.regions[left]}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from((1.0, 3.0)))
def test_the_mask_is_what_counts_whatever_was_drawn(seed, slices_mm):
    own = visit(OLD, slices_mm=slices_mm)
    rng = np.random.default_rng(seed)
    labels = drawn_at(own, MISSED)
    for _ in range(3):
        low = rng.integers(0, np.array(labels.shape))
        box = tuple(slice(a, a + n) for a, n in zip(low, rng.integers(1, 9, 3), strict=True))
        labels[box] = rng.integers(0, 3)
    corrected = correct_visit(own, labels)
    assert np.array_equal(voxels(corrected.native_instances) > 0, labels == 1)
    held = voxels(corrected.native_probability)
    assert (held[labels == 1] >= own.threshold).all()
    assert (held[(labels == 0)] < own.threshold).all()
    assert ((held >= 0) & (held <= 1)).all()


def test_a_reader_beside_a_model_and_an_empty_mask_are_said_first():
    before, after = visit(OLD), visit(OLD, name="after", seed=2)
    same = (voxels(after.native_instances) > 0).astype(np.uint8)
    mixed = findings(compare_visits(before, correct_visit(after, same), way()))
    assert [each.difference for each in mixed] == [VisitDifference.MASKS]
    assert "after is compared as its reader corrected it" in mixed[0].text.casefold()
    both = compare_visits(correct_visit(before, same * 0), correct_visit(after, same), way())
    (empty,) = findings(both)
    assert "before holds no lesion" in empty.text


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two results, and masks that fit the second or do not."""
    folder = tmp_path_factory.mktemp("masks")
    own = visit([*OLD, ARTIFACT], name="after", seed=2)
    write_result_of(visit(OLD), folder / "before")
    write_result_of(own, folder / "after")
    labels = labels_without(own, number_at(own, ARTIFACT))
    thick = visit(OLD, slices_mm=3.0)
    images = {
        "corrected": image_like(own.native_instances, labels),
        "empty": image_like(own.native_instances, labels * 0),
        "brain": own.working.brain_mask,
        "numbered": image_like(own.native_instances, labels * 7),
        "thick": image_like(thick.native_instances, (voxels(thick.native_instances) > 0).astype(np.uint8)),
        "outside": image_like(
            own.native_instances, np.pad(np.ones((3, 3, 3), np.uint8), [(0, n - 3) for n in labels.shape])
        ),
        "probability": own.native_probability,
        "FLAIR": own.working.images["flair"],
    }
    for name, image in images.items():
        write_image(image, folder / f"{name}.nii.gz")
    return folder


def run_change(place, out, before="model", after="model"):
    """The command on both results."""

    def named(mask):
        return mask if mask in ("model", "auto") else str(place / f"{mask}.nii.gz")

    words = ["change", "--before", str(place / "before"), "--after", str(place / "after"), "--out", str(out)]
    return run_command([*words, "--mask", named(before), "--mask", named(after)])


def test_the_files_say_whose_lesions_were_compared(place, tmp_path, capsys):
    assert run_change(place, tmp_path / "out", after="corrected") == 0
    assert "after: lesions as a reader corrected them" in capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "change.json").read_text())
    assert [each["mask"] for each in document["visits"]] == ["model", "reader"]
    assert document["visits"][0]["mask_sha256"] is None
    assert len(document["visits"][1]["mask_sha256"]) == 64
    first, second = (sitk.ReadImage(str(place / name / "lesion_instances.nii.gz")) for name in ("before", "after"))
    drawn = sitk.ReadImage(str(place / "corrected.nii.gz"))
    digests = [compute_label_digest(sitk.GetArrayFromImage(each) > 0, ras_from_voxel(each)) for each in (first, drawn)]
    assert [each["label_digest"] for each in document["visits"]] == digests
    assert compute_label_digest(sitk.GetArrayFromImage(second) > 0, ras_from_voxel(second)) not in digests
    assert document["visits"][1]["lesions"] == 2
    assert {each["change"] for each in document["pairs"][0]["groups"]} == {"stable"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Lesions of before by the model, of after by a reader." in page
    own = sitk.GetArrayFromImage(
        sitk.ReadImage(str(tmp_path / "out" / "visit1-visit2" / "after" / "change_labels.nii.gz"))
    )
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(place / "corrected.nii.gz")))
    assert np.array_equal(own > 0, mask > 0)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        ("brain", "of the brain of after as lesion"),
        ("numbered", "whose meaning is not known"),
        ("thick", "thick.nii.gz"),
        ("outside", "outside the brain"),
        ("probability", "is not a mask"),
        ("FLAIR", "is not a mask"),
        ("nowhere", "does not exist"),
    ],
)
def test_what_is_no_mask_of_that_visit_is_refused_by_name_and_nothing_is_left(place, tmp_path, capsys, mask, said):
    assert run_change(place, tmp_path / "out", after=mask) == 2
    problem = capsys.readouterr().err
    assert said in problem
    assert mask in problem
    assert not (tmp_path / "out").exists()


def test_an_empty_mask_is_a_visit_without_lesions_and_said_so(place, tmp_path):
    assert run_change(place, tmp_path / "out", before="empty", after="empty") == 0
    document = json.loads((tmp_path / "out" / "change.json").read_text())
    assert document["pairs"][0]["groups"] == []
    assert "holds no lesion" in document["pairs"][0]["findings"][0]["text"]


def test_one_mask_for_two_visits_is_refused(place, tmp_path, capsys):
    assert run_change(place, tmp_path / "out", before="corrected", after="corrected") == 2
    assert "same file" in capsys.readouterr().err


def test_masks_are_given_for_every_visit_or_for_none(place, tmp_path, capsys):
    words = ["change", "--before", str(place / "before"), "--after", str(place / "after")]
    assert run_command([*words, "--mask", "model", "--out", str(tmp_path / "out")]) == 2
    assert "1 masks for 2 visits" in capsys.readouterr().err


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library with two visits of one patient: two raters drew on the first, nobody on the second."""
    folder = tmp_path_factory.mktemp("library")
    for session, seed in (("01", 1), ("02", 2)):
        own = visit(OLD, seed=seed)
        flair, mask = folder / f"FLAIR{seed}.nii.gz", folder / f"mask{seed}.nii.gz"
        write_image(own.working.images["flair"], flair)
        write_image(image_like(own.native_instances, (voxels(own.native_instances) > 0).astype(np.uint8)), mask)
        for rater in ("anna", "berta") if seed == 1 else ("anna",):
            save(folder / "kept", mask, patient="P1", session=session, rater=rater, images={"flair": flair})
    return folder / "kept"


def anat(library, session):
    return library / "sub-P1" / f"ses-{session}" / "anat"


def test_the_mask_of_a_librarys_case_is_found_by_itself_the_raters_or_the_latest(library):
    folders, names = [anat(library, "01"), anat(library, "02").parent], ["before", "after"]
    by_itself = reader_masks(folders, names, (), None)
    assert [mask.rater for mask in by_itself] == ["berta", "anna"]
    assert [mask.others for mask in by_itself] == [("anna",), ()]
    assert all(mask.path.is_file() for mask in by_itself)
    chosen = reader_masks(folders, names, (), "anna")
    assert [mask.rater for mask in chosen] == ["anna", "anna"]
    assert reader_masks(folders, names, [GivenMask(mask="model")] * 2, None) == (None, None)
    with pytest.raises(RequestError, match="has no mask by carla, but by anna, berta"):
        reader_masks(folders, names, (), "carla")


def test_what_lies_in_no_library_has_no_readers_mask(library, tmp_path):
    assert find_library_case(tmp_path) is None
    assert find_library_case(library) is None
    assert find_library_case(library / "sub-P1") is None
    assert find_library_case(library / "sub-P1" / "ses-03" / "anat") is None
    assert reader_masks([tmp_path, tmp_path], ["before", "after"], (), None) == (None, None)
    with pytest.raises(RequestError, match="no visit is a case"):
        reader_masks([tmp_path, tmp_path], ["before", "after"], (), "anna")


def test_a_mask_is_checked_against_its_own_visit(place):
    own = visit([*OLD, ARTIFACT], name="after", seed=2)
    assert apply_readers_mask(own, ReaderMask(place / "corrected.nii.gz", "anna")).rater == "anna"
    chosen = apply_readers_mask(own, ReaderMask(place / "corrected.nii.gz", "anna", ("berta",)))
    assert visit_facts(chosen, None).other_raters == ("berta",)
    with pytest.raises(GridMismatch):
        apply_readers_mask(own, ReaderMask(place / "thick.nii.gz"))
    with pytest.raises(BadImage):
        apply_readers_mask(own, ReaderMask(place / "brain.nii.gz"))
