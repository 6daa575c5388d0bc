"""Moves: exact where whole voxels move, one linear interpolation elsewhere, and the same for images, label and weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from MSSoftSegLib.training.data.augmentation.spatial import SpatialDraw, Volume, Window, apply_spatial, draw_spatial
from MSSoftSegLib.training.recipe import AugmentationSettings

from .recipes import EVERYTHING

SHAPE = (18, 24, 21)
booleans = st.booleans()
exact_draws = st.builds(
    SpatialDraw,
    flip=st.tuples(booleans, booleans, booleans),
    quarter_turns=st.integers(0, 3),
    transpose=booleans,
)
angles = st.floats(-180, 180)
draws = st.builds(
    SpatialDraw,
    rotation_deg=st.tuples(angles, angles, angles),
    scale=st.floats(0.7, 1.4),
    flip=st.tuples(booleans, booleans, booleans),
    quarter_turns=st.integers(0, 3),
    transpose=booleans,
    elastic_mm=st.sampled_from([0.0, 2.0, 5.0]),
    elastic_seed=st.integers(0, 1000),
)


def random_volume(seed=0, *, brain=None, shape=SHAPE, confidence=False):
    """Smooth random images of two channels, a soft label; everything is brain unless told otherwise."""
    rng = np.random.default_rng(seed)
    smooth = np.stack([ndimage.gaussian_filter(rng.standard_normal(shape), 2.0) * 20 for _ in range(3)])
    brain = np.ones(shape, bool) if brain is None else brain
    omega = rng.random(shape, dtype=np.float32) if confidence else None
    label = np.clip(smooth[2] - 0.2, 0, 1).astype(np.float32)
    return Volume((smooth[:2] * brain).astype(np.float32), label, brain, omega, 1.0)


def whole(shape=SHAPE):
    return Window(tuple(shape), tuple((n - 1) / 2 for n in shape))


def moved(volume, window, draw):
    return tuple(part.numpy() for part in apply_spatial(volume, window, draw))


def by_numpy(array, draw):
    """The same move of a whole array by numpy's own: transpose, quarter turns and flips, last drawn first."""
    for axis, flipped in enumerate(draw.flip):
        array = np.flip(array, axis) if flipped else array
    array = np.rot90(array, draw.quarter_turns, axes=(2, 1))
    return array.swapaxes(1, 2) if draw.transpose else array


@settings(max_examples=40)
@given(draw=exact_draws)
def test_flips_quarter_turns_and_transpose_are_numpys_to_the_last_bit(draw):
    volume = random_volume(confidence=True)
    expected = by_numpy(volume.label, draw)
    window = Window(expected.shape, whole().center)
    images, label, weight = moved(volume, window, draw)
    np.testing.assert_array_equal(label[0], expected)
    np.testing.assert_array_equal(images[1], by_numpy(volume.images[1], draw))
    np.testing.assert_array_equal(weight[0], by_numpy(volume.confidence, draw))


@settings(max_examples=30)
@given(draw=exact_draws, offset=st.tuples(*[st.integers(-9, 9)] * 3), confidence=booleans)
def test_copying_and_interpolating_are_the_same_where_the_angle_is_almost_nothing(draw, offset, confidence):
    volume = random_volume(confidence=confidence)
    size = (8, 12, 10)
    extent = np.abs(draw.turns()) @ np.array(size)
    center = np.array(SHAPE) // 2 + offset + (extent - 1) / 2
    window = Window(size, tuple(center.tolist()))
    tilted = SpatialDraw(
        rotation_deg=(1e-6, 0.0, 0.0),
        flip=draw.flip,
        quarter_turns=draw.quarter_turns,
        transpose=draw.transpose,
    )
    for copied, sampled in zip(moved(volume, window, draw), moved(volume, window, tilted), strict=True):
        # At the outermost voxels an angle of almost nothing looks beyond the case, by almost nothing.
        np.testing.assert_allclose(sampled, copied, atol=2e-4)


@pytest.mark.parametrize(("axis", "plane"), [(0, (1, 2)), (1, (2, 0)), (2, (0, 1))])
@pytest.mark.parametrize("degrees", [17.0, -38.0])
def test_a_rotation_is_scipys(axis, plane, degrees):
    volume = random_volume(shape=(21, 21, 21))
    turn = [0.0, 0.0, 0.0]
    turn[axis] = degrees
    images, label, _ = moved(volume, whole((21, 21, 21)), SpatialDraw(rotation_deg=tuple(turn)))
    inner = (slice(6, -6),) * 3
    for ours, source in ((images[0], volume.images[0]), (label[0], volume.label)):
        either = [ndimage.rotate(source, sign * degrees, axes=plane, reshape=False, order=1)[inner] for sign in (1, -1)]
        errors = [np.abs(ours[inner] - rotated).max() for rotated in either]
        # Which way is positive is a matter of the axes' order; it must be one of the two, and not the other.
        assert min(errors) < 1e-4 < 0.05 < max(errors)


def test_rotations_about_the_three_axes_are_composed_and_scale_magnifies():
    draw = SpatialDraw(rotation_deg=(20.0, -35.0, 50.0), scale=1.25)
    matrix = draw.case_from_sample()
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3) / 1.25**2, atol=1e-12)
    assert np.linalg.det(matrix) > 0
    grid = np.stack(np.meshgrid(*[np.arange(41.0) - 20] * 3, indexing="ij"))
    ball = np.clip(8.5 - np.sqrt((grid**2).sum(axis=0)), 0, 1).astype(np.float32)
    volume = Volume(ball[None], ball, np.ones_like(ball, bool), None, 1.0)
    _, label, _ = moved(volume, whole(ball.shape), draw)
    assert label.sum() / ball.sum() == pytest.approx(1.25**3, rel=0.01)


@settings(max_examples=40)
@given(draw=draws, seed=st.integers(0, 100))
def test_a_marker_in_the_image_and_the_same_in_the_label_stay_together(draw, seed):
    """Left stays with left, whatever is drawn."""
    volume = random_volume(seed)
    twins = Volume(np.stack([volume.label, volume.images[0]]), volume.label, volume.brain, None, 1.0)
    images, label, weight = moved(twins, Window((12, 10, 14), (9.5, 11.0, 10.5)), draw)
    inside = weight[0] == 1
    if draw.is_exact:
        np.testing.assert_array_equal(images[0], label[0])
    # At the edge of the case images count only what is there; one voxel inside it they are the label itself.
    deep = ndimage.binary_erosion(inside, iterations=2)
    np.testing.assert_allclose(images[0][deep], label[0][deep], atol=1e-5)


@settings(max_examples=40)
@given(draw=draws)
@example(draw=SpatialDraw(rotation_deg=(0.0, 0.0, 24.0), scale=0.75, elastic_mm=5.0, elastic_seed=260))
def test_a_region_of_one_soft_value_keeps_it_and_all_else_stays_between(draw):
    label = np.zeros((30, 30, 30), np.float32)
    label[7:23, 7:23, 7:23] = 0.37
    volume = Volume(label[None], label, np.ones_like(label, bool), None, 1.0)
    images, moved_label, _ = moved(volume, whole(label.shape), draw)
    assert moved_label.min() >= 0
    assert moved_label.max() <= np.float32(0.37) * (1 + 1e-6)
    # The region reaches 7.5 voxels from the middle. These eight voxels see at most half their diagonal, shrunk by 0.7, and 5 mm
    # of bending: 6.3.
    middle = (slice(14, 16),) * 3
    np.testing.assert_allclose(moved_label[0][middle], 0.37, rtol=1e-6)
    np.testing.assert_allclose(images[0][middle], 0.37, rtol=1e-6)
    if not draw.is_exact:
        assert np.any((moved_label > 0.001) & (moved_label < 0.369))


@settings(max_examples=30)
@given(draw=draws)
def test_outside_the_brain_images_and_weight_are_exactly_zero_and_its_border_is_not_darkened(draw):
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij"))
    brain = (grid**2).sum(axis=0) < 0.7
    flat = np.where(brain, np.float32(5.0), np.float32(0.0))
    volume = Volume(flat[None], np.zeros(SHAPE, np.float32), brain, None, 1.0)
    images, _, weight = moved(volume, whole(), draw)
    assert set(np.unique(weight)) <= {0.0, 1.0}
    assert np.all(images[0][weight[0] == 0] == 0)
    np.testing.assert_allclose(images[0][weight[0] == 1], 5.0, rtol=1e-5)
    assert (weight == 1).any()


def test_confidence_is_interpolated_within_the_brain_and_zero_outside_it():
    brain = np.zeros(SHAPE, bool)
    brain[4:14, 5:19, 5:16] = True
    volume = random_volume(brain=brain)
    sure = Volume(volume.images, volume.label, brain, np.full(SHAPE, 0.6, np.float32), 1.0)
    for draw in (SpatialDraw(), SpatialDraw(rotation_deg=(10.0, 20.0, 30.0), elastic_mm=2.0)):
        images, _, weight = moved(sure, whole(), draw)
        inside = images.any(axis=0)
        np.testing.assert_allclose(weight[0][inside], 0.6, rtol=1e-5)
        assert np.all(weight[0][~inside] == 0)


def test_a_rotated_patch_has_no_empty_corners_where_there_is_brain():
    volume = random_volume(shape=(50, 50, 50))
    draw = SpatialDraw(rotation_deg=(45.0, 45.0, 0.0))
    _, _, weight = moved(volume, Window((16, 16, 16), (24.5, 24.5, 24.5)), draw)
    assert np.all(weight == 1)


def test_beyond_the_case_there_is_nothing():
    volume = random_volume()
    for draw in (SpatialDraw(), SpatialDraw(rotation_deg=(3.0, 0.0, 0.0))):
        images, label, weight = moved(volume, Window((64, 8, 8), (8.5, 11.5, 10.5)), draw)
        assert weight[0, :20].max() == label[0, :20].max() == 0
        assert not images[:, :20].any()
        assert weight[0, 24:40].min() == 1


@settings(max_examples=30)
@given(limit_mm=st.floats(0.5, 8), seed=st.integers(0, 10**6), spacing_mm=st.sampled_from([0.8, 1.0, 2.0]))
def test_an_elastic_deformation_moves_no_voxel_further_than_it_says(limit_mm, seed, spacing_mm):
    ramps = np.stack(np.meshgrid(*[np.arange(n, dtype=np.float32) for n in (40, 40, 40)], indexing="ij"))
    volume = Volume(ramps, ramps[0] / 40, np.ones((40, 40, 40), bool), None, spacing_mm)
    window = Window((12, 12, 12), (19.5, 19.5, 19.5))
    images, _, _ = moved(volume, window, SpatialDraw(elastic_mm=limit_mm, elastic_seed=seed))
    displacement_mm = np.abs(images - ramps[:, 14:26, 14:26, 14:26]) * spacing_mm
    assert displacement_mm.max() == pytest.approx(limit_mm, abs=1e-4)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_a_slice_shows_its_own_slice_only(seed):
    rng = np.random.default_rng(seed)
    draw = draw_spatial(AugmentationSettings(**EVERYTHING), rng=rng, flat=True)
    heights = np.broadcast_to(np.arange(18, dtype=np.float32)[:, None, None], SHAPE)
    volume = Volume(np.array(heights)[None], heights / 18, np.ones(SHAPE, bool), None, 1.0)
    images, _, weight = moved(volume, Window((1, 16, 16), (7.0, 11.5, 10.5)), draw)
    np.testing.assert_allclose(images[0][weight[0] == 1], 7.0, rtol=1e-5)


def test_what_is_drawn_stays_within_the_limits_and_uses_them():
    settings_ = AugmentationSettings(rotation_deg=5.0, scale=0.1, elastic_mm=4.0, flip=0.5, quarter_turns=True)
    rng = np.random.default_rng(1)
    drawn = [draw_spatial(settings_, rng=rng, flat=False) for _ in range(600)]
    turned = np.array([draw.rotation_deg for draw in drawn])
    assert np.abs(turned).max() <= 5
    # Uniform in ±5°: SD 10/√12 on each axis, and never left out.
    np.testing.assert_allclose(turned.std(axis=0), 10 / np.sqrt(12), rtol=0.08)
    assert np.all(turned != 0)
    assert {draw.quarter_turns for draw in drawn} == {0, 1, 2, 3}
    scales = np.array([draw.scale for draw in drawn])
    assert 0.9 <= scales.min() < 0.92
    assert 1.08 < scales.max() <= 1.1
    bent = np.array([draw.elastic_mm for draw in drawn])
    assert bent.max() <= 4
    assert 0.18 < np.mean(bent > 0) < 0.32
    assert not any(draw.transpose for draw in drawn)
    assert all(draw_spatial(AugmentationSettings(), rng=rng, flat=False).is_exact for _ in range(5))
