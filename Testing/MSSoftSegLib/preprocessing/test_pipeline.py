"""The pipeline as a whole: where things land, what is told on the way, what is remembered."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam, GridMismatch, JobCancelled
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing import steps
from MSSoftSegLib.preprocessing.alignment import Alignment
from MSSoftSegLib.preprocessing.bias_correction import BiasCorrection
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import MARGIN_MM, STAGES, preprocess
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings

from .small_heads import brain, carried, exam, head, motion, stripped

# A point p of the target's space is the point MOTION(p) of the FLAIR image's space.
MOTION = motion(degrees=(4.0, -6.0, 9.0), shift_mm=(5.0, -3.0, 8.0))
STRIPPED = PreprocessingSettings(brain="none", reference=Modality.T1)


@pytest.fixture
def known_steps(monkeypatch):
    """Alignment finds MOTION, bias correction changes nothing; the calls are counted."""
    calls = []

    def align(moving, fixed):
        calls.append("alignment")
        return Alignment(MOTION, 0.25, 0.5)

    def correct(image, *, mask, shrink):
        calls.append("bias-correction")
        return BiasCorrection(sitk.Cast(image, sitk.sitkFloat32), 0.0)

    def extract(images, *, backend, target, progress, cancelled):
        calls.append("brain-extraction")
        found = sitk.Resample(brain(), images[Modality.FLAIR], sitk.Transform(), sitk.sitkNearestNeighbor)
        return sitk.Cast(found, sitk.sitkUInt8)

    monkeypatch.setattr(steps, "align_rigidly", align)
    monkeypatch.setattr(steps, "correct_bias", correct)
    monkeypatch.setattr(steps, "extract_brain", extract)
    return calls


def two_images():
    """A T1 image and a FLAIR image of the same head, whose header MOTION moved; both skull-stripped."""
    t1, flair = (stripped(head(m, noise=0.0), brain()) for m in (Modality.T1, Modality.FLAIR))
    return exam(t1=t1, flair=carried(flair, MOTION))


def center_of(image, predicate):
    index = np.argwhere(predicate(voxels(image))).mean(axis=0)[::-1]
    return np.asarray(image.TransformContinuousIndexToPhysicalPoint(index.tolist()))


def test_the_lesion_lands_on_one_place_in_all_working_images(known_steps):
    working = preprocess(two_images(), STRIPPED)
    native = stripped(head(Modality.FLAIR, noise=0.0), brain())
    truth = center_of(native, lambda values: values > 130)
    assert center_of(working.images[Modality.FLAIR], lambda v: v > 120) == pytest.approx(truth, abs=0.5)
    lesion = voxels(working.images[Modality.FLAIR]) > 120
    assert np.median(voxels(working.images[Modality.T1])[lesion]) == pytest.approx(45.0, abs=2.0)


def test_the_working_grid_is_isotropic_and_can_be_halved(known_steps):
    working = preprocess(two_images(), STRIPPED)
    assert working.grid.spacing_mm == (1.0, 1.0, 1.0)
    assert all(size % 16 == 0 for size in working.grid.size)
    assert all(have_same_grid(image, working.brain_mask) for image in working.images.values())
    occupied = np.argwhere(voxels(working.brain_mask))
    # One voxel less than the margin where the mask's outline falls between two voxels.
    assert (occupied.min(axis=0) >= MARGIN_MM - 1).all()
    assert (np.asarray(working.grid.size[::-1]) - 1 - occupied.max(axis=0) >= MARGIN_MM - 1).all()


def test_nothing_is_left_outside_the_brain_and_everything_inside_keeps_its_scale(known_steps):
    working = preprocess(two_images(), STRIPPED)
    outside = voxels(working.brain_mask) == 0
    for image in working.images.values():
        assert (voxels(image)[outside] == 0).all()
    white = voxels(working.images[Modality.T1])
    assert np.percentile(white[~outside], 95) == pytest.approx(90, abs=5)


def test_the_brain_keeps_its_volume(known_steps):
    working = preprocess(two_images(), STRIPPED)
    expected_mm3 = np.count_nonzero(voxels(brain())) * 27.0
    assert np.count_nonzero(voxels(working.brain_mask)) == pytest.approx(expected_mm3, rel=0.02)


def test_transforms_and_facts_say_how_to_go_back(known_steps):
    given = two_images()
    working = preprocess(given, STRIPPED)
    point = (12.0, -30.0, 20.0)
    assert working.target is Modality.T1
    assert working.native_from_working[Modality.T1].TransformPoint(point) == point
    assert working.native_from_working[Modality.FLAIR].TransformPoint(point) == pytest.approx(
        MOTION.TransformPoint(point)
    )
    assert working.native_grids[Modality.FLAIR] == Grid.of(given.image(Modality.FLAIR))
    assert working.mutual_information[Modality.FLAIR].after == 0.5
    assert Modality.T1 not in working.mutual_information


def test_a_mask_file_on_the_flair_image_is_carried_to_the_target(known_steps, tmp_path):
    write_image(carried(brain(), MOTION), tmp_path / "brain.nii.gz")
    images = exam(t1=head(Modality.T1), flair=carried(head(Modality.FLAIR), MOTION))
    working = preprocess(images, PreprocessingSettings(brain=str(tmp_path / "brain.nii.gz")))
    carried_brain = sitk.Resample(brain(), working.brain_mask, sitk.Transform(), sitk.sitkNearestNeighbor)
    found, true = voxels(working.brain_mask) > 0, voxels(carried_brain) > 0
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.97


def test_a_wrong_mask_file_is_refused_before_anything_is_computed(known_steps, tmp_path):
    elsewhere = motion(degrees=(0.0, 0.0, 0.0), shift_mm=(0.0, 0.0, 400.0))
    write_image(carried(brain(), elsewhere), tmp_path / "brain.nii.gz")
    images = exam(t1=head(Modality.T1), flair=carried(head(Modality.FLAIR), MOTION))
    with pytest.raises(GridMismatch):
        preprocess(images, PreprocessingSettings(brain=str(tmp_path / "brain.nii.gz")))
    assert known_steps == []


def test_flair_alone_is_its_own_target(known_steps):
    settings = PreprocessingSettings(brain="none")
    working = preprocess(exam(flair=stripped(head(Modality.FLAIR), brain())), settings)
    assert working.target is Modality.FLAIR
    assert "alignment" not in known_steps
    assert working.modalities == (Modality.FLAIR,)


def test_the_target_can_be_chosen_but_must_be_there(known_steps):
    chosen = preprocess(two_images(), PreprocessingSettings(brain="none", align_to=Modality.FLAIR))
    assert chosen.target is Modality.FLAIR
    with pytest.raises(BadExam, match="no T1"):
        preprocess(exam(flair=head(Modality.FLAIR)), PreprocessingSettings(align_to=Modality.T1))


def test_brain_beyond_the_flair_image_is_left_out(known_steps):
    t1 = stripped(head(Modality.T1), brain())
    flair = stripped(head(Modality.FLAIR), brain())
    upper = carried(flair[:, :, flair.GetSize()[2] // 2 :], MOTION)
    working = preprocess(exam(t1=t1, flair=upper), STRIPPED)
    whole = preprocess(exam(t1=t1, flair=carried(flair, MOTION)), STRIPPED)
    shown = voxels(working.brain_mask).sum() / voxels(whole.brain_mask).sum()
    assert 0.3 < shown < 0.9
    assert (voxels(working.images[Modality.FLAIR])[voxels(working.brain_mask) > 0] > 0).mean() > 0.98


def test_progress_names_every_stage_from_0_to_1(known_steps):
    told = []
    preprocess(two_images(), STRIPPED, progress=lambda stage, fraction: told.append((stage, fraction)))
    assert tuple(dict.fromkeys(stage for stage, _ in told)) == STAGES
    for stage in STAGES:
        fractions = [fraction for name, fraction in told if name == stage]
        assert (fractions[0], fractions[-1]) == (0.0, 1.0)
        assert fractions == sorted(fractions)


@pytest.mark.parametrize("stage", STAGES)
def test_it_can_be_cancelled_at_every_stage_and_run_again(known_steps, tmp_path, stage):
    def cancel(name, fraction):
        if name == stage and fraction > 0:
            raise JobCancelled

    cache = StepCache(tmp_path)
    with pytest.raises(JobCancelled):
        preprocess(two_images(), STRIPPED, cache=cache, progress=cancel)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("tmp-")]
    assert preprocess(two_images(), STRIPPED, cache=cache).modalities == (Modality.FLAIR, Modality.T1)


def test_a_second_run_repeats_no_step_and_gives_the_same(known_steps, tmp_path):
    settings = PreprocessingSettings(brain="atlas")
    first = preprocess(two_images(), settings, cache=StepCache(tmp_path))
    assert sorted(known_steps) == ["alignment", "bias-correction", "bias-correction", "brain-extraction"]
    known_steps.clear()
    second = preprocess(two_images(), settings, cache=StepCache(tmp_path))
    assert known_steps == []
    assert second.grid == first.grid
    for modality in first.modalities:
        assert np.array_equal(voxels(first.images[modality]), voxels(second.images[modality]))


def test_other_settings_repeat_only_the_steps_they_concern(known_steps, tmp_path):
    cache = StepCache(tmp_path)
    preprocess(two_images(), PreprocessingSettings(brain="atlas"), cache=cache)
    known_steps.clear()
    preprocess(two_images(), PreprocessingSettings(brain="atlas", bias_shrink=3), cache=cache)
    assert sorted(known_steps) == ["bias-correction", "bias-correction"]


def test_without_a_cache_every_run_computes(known_steps):
    preprocess(two_images(), STRIPPED)
    preprocess(two_images(), STRIPPED)
    assert known_steps.count("alignment") == 2
