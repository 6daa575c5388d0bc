"""Cases on the working grid: labels stay soft, voxels stay where they are, and nothing is reused that is no longer true."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import resource
import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam, BadImage, BadLibrary, DiskFull, GridMismatch, JobCancelled, make_user_error
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.preprocessing import steps
from MSSoftSegLib.preprocessing.alignment import Alignment
from MSSoftSegLib.preprocessing.bias_correction import BiasCorrection
from MSSoftSegLib.training.data.prepared import prepare_cases
from MSSoftSegLib.training.recipe import find_recipe

from ...preprocessing.small_heads import brain as head_brain
from ...preprocessing.small_heads import carried, head, motion
from ..small_cases import write_small_cases
from .recipes import small_recipe


def array_of(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(np.float32)


def trimmed(array, inside):
    """The part of an array that the bounding box of a mask holds."""
    box = tuple(slice(axis.min(), axis.max() + 1) for axis in np.nonzero(inside))
    return array[(..., *box)]


def like(reference_path, array, path):
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(sitk.ReadImage(str(reference_path)))
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def one(tmp_path):
    """One case whose files a test may change."""
    return write_small_cases(tmp_path / "files", 1, seed=8)[0]


def test_where_the_grid_fits_label_raters_and_brain_are_copied_voxel_by_voxel(labeled, prepared):
    for case, found in zip(labeled, prepared, strict=True):
        brain = array_of(case.images[Modality.FLAIR]) != 0
        first, second = array_of(case.raters["anna"]), array_of(case.raters["bert"])
        # By the definition of soft-union: agreement 1, disagreement gamma.
        expected = np.where(first * second == 1, 1, np.where(first + second == 1, np.float32(0.37), 0))
        for ours, theirs in (
            (found.label(), expected),
            (found.rater("anna"), first),
            (found.rater("bert"), second),
            (found.brain(), brain),
        ):
            np.testing.assert_array_equal(trimmed(ours, found.brain()), trimmed(theirs, brain))


def test_images_are_normalized_inside_the_brain_in_the_order_of_the_recipe_and_zero_outside(labeled, prepared):
    brain = array_of(labeled[0].images[Modality.FLAIR]) != 0
    images, inside = prepared[0].images(), prepared[0].brain()
    for channel, modality in enumerate((Modality.FLAIR, Modality.T1, Modality.T2)):
        native = array_of(labeled[0].images[modality])
        expected = np.where(brain, (native - native[brain].mean()) / native[brain].std(), 0)
        np.testing.assert_allclose(trimmed(images[channel], inside), trimmed(expected, brain), atol=1e-4)
        assert np.all(images[channel][~inside] == 0)


def test_proton_density_is_a_channel_where_there_is_one_and_zero_where_there_is_none(labeled, tmp_path):
    kats = find_recipe("kats2019")
    t2 = sitk.ReadImage(str(labeled[0].images[Modality.T2]))
    path = tmp_path / "pd.nii.gz"
    sitk.WriteImage(sitk.Sqrt(sitk.Abs(t2)), str(path))
    with_pd = dataclasses.replace(labeled[0], images={**labeled[0].images, Modality.PD: path})
    found, without = prepare_cases([with_pd, labeled[1]], kats, tmp_path / "prepared")
    assert [channel.modality for channel in kats.data.inputs].index(Modality.PD) == 3
    density, inside = found.images()[3], found.brain()
    assert density[inside].std() == pytest.approx(1, abs=1e-3)
    native, brain = array_of(path), array_of(labeled[0].images[Modality.FLAIR]) != 0
    expected = np.where(brain, (native - native[brain].mean()) / native[brain].std(), 0)
    np.testing.assert_allclose(trimmed(density, inside), trimmed(expected, brain), atol=1e-4)
    assert not without.images()[3].any()


def test_sides_are_multiples_of_sixteen_and_volumes_are_those_of_the_label(prepared):
    for case in prepared:
        assert case.shape == case.label().shape == case.brain().shape == case.images().shape[1:]
        assert all(side % 16 == 0 for side in case.shape)
        assert case.soft_volume_ml == pytest.approx(float(np.sum(case.label())) / 1000)
        assert case.lesion_volume_ml == pytest.approx(np.count_nonzero(case.label() >= 0.5) / 1000)


def test_every_lesion_is_listed_once_with_all_its_voxels(prepared):
    for case in prepared:
        starts, voxels = case.lesion_starts(), case.lesion_voxels()
        assert sorted(voxels) == np.flatnonzero((case.label() > 0) & case.brain()).tolist()
        labeled, count = sitk_components(case.label())
        assert starts.size == count + 1
        for first, stop in itertools.pairwise(starts):
            assert np.unique(labeled.ravel()[voxels[first:stop]]).size == 1
        assert np.array_equal(case.brain_voxels(), np.flatnonzero(case.brain()))


def sitk_components(label):
    """26-connected components by another implementation."""
    found = sitk.ConnectedComponent(sitk.GetImageFromArray((label > 0).astype(np.uint8)), True)
    array = sitk.GetArrayFromImage(found)
    return array, int(array.max())


def test_a_soft_value_keeps_its_value_when_the_grid_is_resampled(one, tmp_path):
    flair = one.images[Modality.FLAIR]
    soft = np.zeros(array_of(flair).shape, np.float32)
    soft[9:17, 10:20, 8:16] = 0.37
    case = LabeledCase(
        "soft", "p", one.images, soft_label=like(flair, soft, tmp_path / "soft.nii.gz"), preprocessed=True
    )
    found = prepare_cases([case], small_recipe(data={"spacing_mm": 0.7}), tmp_path / "out")[0]
    label = found.label()
    assert found.spacing_mm == 0.7
    assert label.max() == pytest.approx(0.37, abs=1e-6)
    assert np.count_nonzero(np.abs(label - 0.37) < 1e-6) * 0.7**3 > 0.5 * np.count_nonzero(soft)
    assert np.any((label > 0.01) & (label < 0.36))
    assert found.soft_volume_ml == pytest.approx(0.37 * np.count_nonzero(soft) / 1000, rel=0.05)


def test_a_case_stored_in_sagittal_order_is_prepared_like_the_same_case_stored_axially(one, tmp_path):
    def reordered(path):
        turned = tmp_path / f"turned-{path.name}"
        sitk.WriteImage(sitk.DICOMOrient(sitk.ReadImage(str(path)), "PSR"), str(turned))
        return turned

    turned = dataclasses.replace(
        one,
        case="turned",
        images={modality: reordered(path) for modality, path in one.images.items()},
        raters={name: reordered(path) for name, path in one.raters.items()},
    )
    first, second = prepare_cases([one, turned], small_recipe(), tmp_path / "out")
    np.testing.assert_array_equal(first.label(), second.label())
    np.testing.assert_allclose(first.images(), second.images(), atol=1e-5)


def test_with_the_first_rater_only_the_label_is_hers_and_the_other_is_kept_for_validation(one, tmp_path):
    recipe = small_recipe(data={"raters": "first"}, labels={"merge": None})
    found = prepare_cases([one], recipe, tmp_path / "out")[0]
    assert found.raters == ("anna", "bert")
    np.testing.assert_array_equal(found.label(), found.rater("anna"))
    assert not np.array_equal(found.rater("anna"), found.rater("bert"))


def test_one_rater_with_a_recipe_that_merges_is_taken_as_she_is(one, tmp_path):
    alone = dataclasses.replace(one, raters={"bert": one.raters["bert"]})
    found = prepare_cases([alone], small_recipe(), tmp_path / "out")[0]
    np.testing.assert_array_equal(found.label(), found.rater("bert"))


def test_possible_lesion_is_soft_in_the_label_and_absent_from_the_rater_mask(one, tmp_path):
    flair = one.images[Modality.FLAIR]
    drawn = np.zeros(array_of(flair).shape, np.uint8)
    drawn[12:14, 14:16, 11:13], drawn[15, 14:16, 11:13] = 1, 2
    case = dataclasses.replace(one, raters={"anna": like(flair, drawn, tmp_path / "drawn.nii.gz")})
    found = prepare_cases([case], small_recipe(), tmp_path / "out")[0]
    values, counts = np.unique(found.label(), return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {
        0.0: found.label().size - 12,
        float(np.float32(0.37)): 4,
        1.0: 8,
    }
    assert found.rater("anna").sum() == 8


def test_a_pseudo_label_keeps_its_values_and_brings_its_confidence(one, tmp_path):
    flair = one.images[Modality.FLAIR]
    rng = np.random.default_rng(0)
    soft, omega = (rng.random(array_of(flair).shape, dtype=np.float32) for _ in range(2))
    case = LabeledCase(
        "pseudo",
        "p",
        one.images,
        soft_label=like(flair, soft, tmp_path / "soft.nii.gz"),
        confidence=like(flair, omega, tmp_path / "omega.nii.gz"),
        preprocessed=True,
    )
    found = prepare_cases([case], small_recipe(), tmp_path / "out")[0]
    brain = array_of(flair) != 0
    assert found.is_pseudo_labelled
    assert found.raters == ()
    np.testing.assert_array_equal(trimmed(found.label(), found.brain()), trimmed(soft, brain))
    np.testing.assert_array_equal(trimmed(found.confidence(), found.brain()), trimmed(omega, brain))


def test_a_lesion_free_case_is_prepared_with_an_empty_label(tmp_path):
    cases = write_small_cases(tmp_path / "files", 1, seed=2, lesions=False)
    found = prepare_cases(cases, small_recipe(), tmp_path / "out")[0]
    assert found.label().max() == 0
    assert found.soft_volume_ml == 0
    assert found.lesion_starts().size == 1
    assert found.confidence() is None


def test_an_absent_optional_image_is_zeros_and_an_absent_required_one_is_refused_by_name(one, tmp_path):
    without = dataclasses.replace(one, images={m: p for m, p in one.images.items() if m is not Modality.T1})
    found = prepare_cases([without], small_recipe(), tmp_path / "out")[0]
    assert not found.images()[1].any()
    assert found.images()[2].any()
    needs_t1 = small_recipe(data={"inputs": [{"modality": "t1", "required": True}]})
    with pytest.raises(BadExam, match=r"case-00.*T1"):
        prepare_cases([without], needs_t1, tmp_path / "out")


def inode(case):
    return (case.folder / "prepared.json").stat().st_ino, (case.folder / "prepared.json").stat().st_mtime_ns


def test_a_rerun_reuses_what_is_true_and_redoes_what_a_setting_or_an_input_changed(one, tmp_path):
    out = tmp_path / "out"
    first = prepare_cases([one], small_recipe(), out)[0]
    made = inode(first)
    assert prepare_cases([one], small_recipe(), out) == [first]
    assert inode(first) == made
    # What acts after preparation, or says nothing of the case, does not count.
    prepare_cases([one], small_recipe(labels={"binarize": True}, data={"validation": 0.5}), out)
    assert inode(first) == made
    other_gamma = prepare_cases([one], small_recipe(labels={"gamma": 0.6}), out)[0]
    assert inode(first) != made
    assert set(np.unique(other_gamma.label())) == {0, np.float32(0.6), 1}
    made = inode(first)
    shutil.copy(one.raters["bert"], one.raters["anna"])
    changed = prepare_cases([one], small_recipe(labels={"gamma": 0.6}), out)[0]
    assert inode(first) != made
    assert set(np.unique(changed.label())) == {0, 1}
    assert [path.name for path in out.iterdir()] == [first.folder.name]


@pytest.mark.parametrize("damage", ["cut", "gone", "nonsense"])
def test_a_damaged_prepared_case_is_made_again(one, tmp_path, damage):
    first = prepare_cases([one], small_recipe(), tmp_path / "out")[0]
    label = np.array(first.label())
    if damage == "cut":
        (first.folder / "label.npy").write_bytes((first.folder / "label.npy").read_bytes()[:-8])
    elif damage == "gone":
        (first.folder / "images.npy").unlink()
    else:
        (first.folder / "prepared.json").write_text("[]")
    again = prepare_cases([one], small_recipe(), tmp_path / "out")[0]
    np.testing.assert_array_equal(again.label(), label)
    assert again.images().any()


def test_a_disk_that_is_full_is_what_it_is_called(one, tmp_path):
    """One file after another does not fit any more; what is written where there is room is numpy's own format."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (100, 200, 5000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            with pytest.raises(OSError, match=r"(?i)file too large") as caught:
                prepare_cases([one], small_recipe(), tmp_path / "prepared")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert isinstance(make_user_error(caught.value), DiskFull)
        assert list((tmp_path / "prepared").iterdir()) == []


def test_arrays_are_stored_as_numpy_stores_them(one, tmp_path):
    (case,) = prepare_cases([one], small_recipe(), tmp_path / "prepared")
    files = list(case.folder.glob("*.npy"))
    assert len(files) >= 6
    for path in files:
        again = io.BytesIO()
        np.save(again, np.load(path), allow_pickle=False)
        assert path.read_bytes() == again.getvalue()


def test_a_file_that_vanished_is_named_with_its_case_before_anything_is_done(one, tmp_path):
    second = write_small_cases(tmp_path / "more", 2, seed=3)[1]
    second.raters["bert"].unlink()
    with pytest.raises(BadLibrary, match=r"case-01.*bert\.nii\.gz"):
        prepare_cases([one, second], small_recipe(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_label_on_another_grid_and_images_on_two_grids_are_refused_by_name(one, tmp_path):
    coarse = write_small_cases(tmp_path / "coarse", 1, seed=8, spacing_mm=2.0)[0]
    with pytest.raises(GridMismatch, match=r"case-00.*anna\.nii\.gz"):
        prepare_cases([dataclasses.replace(one, raters=coarse.raters)], small_recipe(), tmp_path / "out")
    mixed = dataclasses.replace(one, images={**one.images, Modality.T2: coarse.images[Modality.T2]})
    with pytest.raises(GridMismatch, match=r"case-00.*t2\.nii\.gz"):
        prepare_cases([mixed], small_recipe(), tmp_path / "out")
    assert not any((tmp_path / "out").iterdir())


def test_a_soft_label_beyond_one_a_case_without_label_and_a_name_given_twice_are_refused(one, tmp_path):
    flair = one.images[Modality.FLAIR]
    beyond = like(flair, array_of(flair), tmp_path / "beyond.nii.gz")
    case = LabeledCase("c", "p", one.images, soft_label=beyond, preprocessed=True)
    with pytest.raises(BadImage, match=r"case c: beyond\.nii\.gz"):
        prepare_cases([case], small_recipe(), tmp_path / "out")
    with pytest.raises(BadLibrary, match="case c"):
        prepare_cases([dataclasses.replace(case, soft_label=None)], small_recipe(), tmp_path / "out")
    with pytest.raises(BadLibrary, match="case-00"):
        prepare_cases([one, one], small_recipe(), tmp_path / "out")


def test_cancelling_leaves_whole_cases_only_and_progress_never_goes_back(tmp_path):
    cases = write_small_cases(tmp_path / "files", 3, seed=4)
    told = []
    with pytest.raises(JobCancelled):
        prepare_cases(
            cases,
            small_recipe(),
            tmp_path / "out",
            progress=told.append,
            cancelled=lambda: bool(told) and told[-1] > 0.3,
        )
    folders = list((tmp_path / "out").iterdir())
    assert len(folders) == 1
    assert json.loads((folders[0] / "prepared.json").read_text())["case"]["case"] == "case-00"
    prepare_cases(cases, small_recipe(), tmp_path / "out", progress=told.append)
    assert told[-1] == 1
    assert told[-4:] == sorted(told[-4:])


def test_a_raw_exam_is_preprocessed_and_its_label_lands_on_its_lesion(tmp_path, monkeypatch):
    """FLAIR lies elsewhere than T1, by a known motion; the label is drawn on FLAIR's own grid."""
    moved = motion(degrees=(4.0, -6.0, 9.0), shift_mm=(5.0, -3.0, 8.0))
    monkeypatch.setattr(steps, "align_rigidly", lambda moving, fixed: Alignment(moved, 0.25, 0.5))
    monkeypatch.setattr(
        steps, "correct_bias", lambda image, *, mask, shrink: BiasCorrection(sitk.Cast(image, sitk.sitkFloat32), 0.0)
    )
    monkeypatch.setattr(
        steps,
        "extract_brain",
        lambda images, **_: sitk.Cast(
            sitk.Resample(head_brain(), images[Modality.FLAIR], sitk.Transform(), sitk.sitkNearestNeighbor),
            sitk.sitkUInt8,
        ),
    )
    t1, flair = head(Modality.T1, noise=0.0), carried(head(Modality.FLAIR, noise=0.0), moved)
    lesion = sitk.Cast(sitk.Equal(flair, 140.0), sitk.sitkUInt8)
    paths = {}
    for name, image in (("t1", t1), ("flair", flair), ("lesion", lesion)):
        paths[name] = tmp_path / f"{name}.nii.gz"
        sitk.WriteImage(image, str(paths[name]))
    case = LabeledCase(
        "raw", "p", {Modality.T1: paths["t1"], Modality.FLAIR: paths["flair"]}, {"anna": paths["lesion"]}
    )
    found = prepare_cases([case], small_recipe(data={"spacing_mm": 3.0}), tmp_path / "out")[0]
    assert found.soft_volume_ml == pytest.approx(np.count_nonzero(sitk.GetArrayFromImage(lesion)) * 0.027, rel=0.02)
    images, label = found.images(), found.label()
    inside = label > 0.9
    assert inside.sum() > 20
    # Nothing else in the brain is as bright on FLAIR, and the same place is the lesion's gray on T1.
    assert images[0][inside].min() > images[0][label == 0].max()
    assert np.ptp(images[1][inside]) < 0.5
