"""Pseudo-labels against hand-worked numbers and scipy, and why the thesis' thresholds cannot be meant for ω."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.inference.pseudo_label import omega, pseudo_label
from MSSoftSegLib.inference.pseudo_label_settings import PseudoLabelChoices
from MSSoftSegLib.training.recipe import PseudoLabelSettings

PUBLISHED_ALPHAS = (0.3, 0.5, 0.7)
OBLIQUE = ((0.8, 0.0, -0.6, 0.0, 1.0, 0.0, 0.6, 0.0, 0.8), (-12.0, 31.0, 7.0))


def image(array: np.ndarray, spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> sitk.Image:
    """The array (z, y, x) on an oblique grid."""
    z, y, x = array.shape
    return Grid((x, y, z), spacing_mm, OBLIQUE[1], OBLIQUE[0]).image(np.asarray(array, np.float32))


def line(*values: float, repeat: int = 1) -> sitk.Image:
    return image(np.tile(np.array(values, np.float32), repeat).reshape(1, 1, -1))


def choices(mode: str = "binary", **more: object) -> PseudoLabelChoices:
    return PseudoLabelChoices.model_validate({"mode": mode, "tst": 0.0, **more})


@st.composite
def probability_volumes(draw: st.DrawFn, *, least_voxels: int = 163) -> np.ndarray:
    """Volumes from all background to all doubt, a lesion or two among them, up to some 30 voxels a side."""
    shape = draw(st.tuples(*[st.integers(6, 30)] * 3))
    assert np.prod(shape) >= least_voxels
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(("undecided", "uniform", "background", "lesions", "extreme")))
    if kind == "undecided":
        return np.full(shape, 0.5)
    if kind == "uniform":
        return rng.uniform(size=shape)
    if kind == "extreme":
        return rng.beta(0.05, 0.05, size=shape)
    background = rng.beta(0.2, 20, size=shape)
    if kind == "background":
        return background
    return np.clip(background + 3 * ndimage.gaussian_filter((rng.uniform(size=shape) > 0.995) * 3.0, 1.2), 0, 1)


# The thresholds of the thesis, read as thresholds on ω


@settings(max_examples=40)
@given(probability_volumes(), st.sampled_from(PUBLISHED_ALPHAS))
def test_a_threshold_of_0_3_on_omega_zeroes_no_voxel_of_any_volume(volume: np.ndarray, alpha: float) -> None:
    found = pseudo_label(image(volume), choices(alpha=alpha, vpt=0.3, vpt_on="omega"))
    assert found.zeroed_voxels == 0


@settings(max_examples=40)
@given(probability_volumes(), st.sampled_from(PUBLISHED_ALPHAS))
def test_a_sum_of_omega_over_a_whole_volume_never_drops_a_case(volume: np.ndarray, alpha: float) -> None:
    found = pseudo_label(image(volume), choices(alpha=alpha, vpt=0.3, vpt_on="omega", tst=100))
    assert not found.is_dropped
    assert found.confident_sum_mm3 >= volume.size * 2**-alpha * (1 - 1e-6)


def test_the_bound_is_tight_so_the_two_tests_above_could_fail() -> None:
    undecided = line(0.5, repeat=162)  # 162 · 2^−0.7 = 99.7
    assert pseudo_label(undecided, choices(alpha=0.7, vpt_on="omega", tst=100)).is_dropped
    assert not pseudo_label(line(0.5, repeat=163), choices(alpha=0.7, vpt_on="omega", tst=100)).is_dropped
    # ln(1/0.3) / ln 2 = 1.74: only a steeper confidence than any that was tested can fall below VPT.
    assert pseudo_label(undecided, choices(alpha=1.73, vpt_on="omega")).zeroed_voxels == 0
    assert pseudo_label(undecided, choices(alpha=1.74, vpt_on="omega")).zeroed_voxels == 162


@settings(max_examples=40)
@given(probability_volumes(), st.floats(0, 0.5, exclude_max=True), st.sampled_from(PUBLISHED_ALPHAS))
def test_a_threshold_below_a_half_on_q_changes_which_cases_are_dropped_and_no_voxel_of_a_binary_label(
    volume: np.ndarray, vpt: float, alpha: float
) -> None:
    without = pseudo_label(image(volume), choices(alpha=alpha, vpt=0.0))
    cut = pseudo_label(image(volume), choices(alpha=alpha, vpt=vpt))
    np.testing.assert_array_equal(voxels(cut.label), voxels(without.label))
    # Equal but for the order of the summands.
    assert cut.confident_sum_mm3 <= without.confident_sum_mm3 * (1 + 1e-12)


def test_the_default_drops_a_case_of_background_alone_and_keeps_one_with_a_lesion() -> None:
    background = np.full((20, 20, 20), 0.02)  # Σq = 157 without VPT, 0 with it
    published = PseudoLabelChoices()
    assert pseudo_label(image(background), published.model_copy(update={"vpt": 0.0})).confident_sum_mm3 > 100
    found = pseudo_label(image(background), published)
    assert found.confident_sum_mm3 == 0
    assert found.is_dropped
    background[3:8, 3:8, 3:8] = 0.99
    assert not pseudo_label(image(background), published).is_dropped


# What the modes give


@given(st.floats(0, math.log(2)), st.floats(0, 5))
def test_omega_lies_between_2_to_the_minus_alpha_and_1(entropy_nats: float, alpha: float) -> None:
    value = omega(np.array([entropy_nats]), alpha=alpha)[0]
    assert 2**-alpha * (1 - 1e-12) <= value <= 1


def test_q_of_an_undecided_voxel_is_its_hand_worked_value() -> None:
    found = pseudo_label(line(0.5, 0.0, 1.0), choices(alpha=0.3, vpt=0.3))
    assert found.confident_sum_mm3 == pytest.approx(0.5 * 2**-0.3 + 1.0, rel=1e-6)
    assert found.zeroed_voxels == 1


@pytest.mark.parametrize(("alpha", "lowest_lesion"), [(0.0, 0.5), (0.3, 0.6110), (0.5, 0.6832), (0.7, 0.7444)])
def test_cutting_q_at_a_half_is_cutting_the_probability_higher(alpha: float, lowest_lesion: float) -> None:
    # p·exp(−α·H(p)) = 1/2 solved for p by bisection on paper's formula
    found = pseudo_label(line(lowest_lesion - 2e-4, lowest_lesion + 2e-4), choices(alpha=alpha))
    assert voxels(found.label).ravel().tolist() == [0.0, 1.0]


def test_what_the_threshold_judges_can_be_chosen() -> None:
    # H(0.35) = 0.6474 nats, ω = 0.8234 at α 0.3, q = 0.2882
    probability = line(0.35)
    assert pseudo_label(probability, choices(vpt=0.3)).zeroed_voxels == 1
    on_probability = pseudo_label(probability, choices(vpt=0.3, vpt_on="probability"))
    assert on_probability.zeroed_voxels == 0
    assert on_probability.confident_sum_mm3 == pytest.approx(0.35)
    assert pseudo_label(probability, choices(vpt_on="omega")).confident_sum_mm3 == pytest.approx(0.8234, abs=1e-4)


def test_a_threshold_above_a_half_does_act_on_the_label() -> None:
    found = pseudo_label(line(0.8, 0.99), choices(alpha=0.3, vpt=0.9))
    assert voxels(found.label).ravel().tolist() == [0.0, 1.0]


def test_a_case_whose_sum_is_exactly_the_threshold_is_kept() -> None:
    certain = line(1.0, 1.0, 0.0)
    assert not pseudo_label(certain, choices(tst=2.0)).is_dropped
    assert pseudo_label(certain, choices(tst=2.0 + 1e-9)).is_dropped


def test_the_sum_is_a_volume_and_so_does_not_depend_on_the_voxel_size() -> None:
    coarse = np.random.default_rng(3).uniform(size=(3, 4, 5))
    fine = coarse.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    sums = [
        pseudo_label(image(array, spacing), choices()).confident_sum_mm3
        for array, spacing in ((coarse, (1.0, 1.4, 3.0)), (fine, (0.5, 0.7, 1.5)))
    ]
    assert sums[0] == pytest.approx(sums[1], rel=1e-6)


@pytest.mark.parametrize(
    ("spacing_mm", "radius_mm"), [((0.7, 1.1, 3.0), 1.5), ((1.0, 1.0, 1.0), 1.0), ((0.5, 0.6, 0.9), 2.0)]
)
def test_the_shell_is_what_scipys_distance_transform_finds_within_the_radius(spacing_mm, radius_mm) -> None:
    rng = np.random.default_rng(8)
    volume = np.where(ndimage.gaussian_filter(rng.normal(size=(9, 14, 17)), 1.2) > 0.25, 0.97, 0.1)
    found = pseudo_label(image(volume, spacing_mm), choices("binary+soft", gamma=0.4, radius_mm=radius_mm))
    lesion = volume > 0.5
    distance_mm = ndimage.distance_transform_edt(~lesion, sampling=spacing_mm[::-1])
    expected = np.where(lesion, 1.0, np.where(distance_mm <= radius_mm + 1e-6, 0.4, 0.0))
    np.testing.assert_allclose(voxels(found.label), expected, atol=1e-7)
    assert found.shell_voxels == np.count_nonzero(expected == 0.4) > 0


def test_at_1_mm_the_shell_of_a_single_voxel_is_its_six_neighbors() -> None:
    volume = np.zeros((5, 5, 5))
    volume[2, 2, 2] = 1.0
    found = pseudo_label(image(volume), choices("binary+soft", radius_mm=1.0, gamma=0.5))
    assert found.shell_voxels == 6
    assert voxels(found.label).sum() == 1 + 6 * 0.5


def test_voxels_coarser_than_the_radius_have_no_shell_and_a_warning_says_so() -> None:
    volume = np.zeros((3, 5, 5))
    volume[1, 2, 2] = 1.0
    found = pseudo_label(image(volume, (1.2, 1.2, 3.0)), choices("binary+soft", radius_mm=1.0))
    assert found.shell_voxels == 0
    assert "no soft shell" in found.warnings[0]


@settings(max_examples=20)
@given(probability_volumes(), st.sampled_from((0.0, *PUBLISHED_ALPHAS)))
def test_confidence_weighted_keeps_the_probability_and_weighs_it_by_omega(volume: np.ndarray, alpha: float) -> None:
    found = pseudo_label(image(volume), choices("confidence-weighted", alpha=alpha, vpt=0.3))
    np.testing.assert_array_equal(voxels(found.label), volume.astype(np.float32))
    assert found.confidence is not None
    expected = np.exp(-alpha * stats.entropy(np.stack([volume, 1 - volume]), axis=0))
    np.testing.assert_allclose(voxels(found.confidence), expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["binary", "binary+soft"])
def test_a_hard_label_weighs_all_voxels_alike(mode: str) -> None:
    assert pseudo_label(line(0.2, 0.9), choices(mode)).confidence is None


@pytest.mark.parametrize("mode", ["binary", "binary+soft", "confidence-weighted"])
def test_the_label_lies_where_the_probability_lies(mode: str) -> None:
    probability = image(np.random.default_rng(0).uniform(size=(2, 3, 4)), (0.7, 1.1, 3.0))
    found = pseudo_label(probability, choices(mode))
    assert have_same_grid(found.label, probability)
    assert found.label.GetPixelID() == sitk.sitkFloat32
    assert found.confidence is None or have_same_grid(found.confidence, probability)


def test_a_label_without_any_lesion_is_worth_a_warning() -> None:
    assert "empty" in pseudo_label(line(0.55, repeat=400), choices(tst=100)).warnings[0]


def test_recipes_and_jobs_share_their_fields_and_defaults() -> None:
    own = PseudoLabelChoices().model_dump()
    assert PseudoLabelSettings().model_dump(include=set(own)) == own
