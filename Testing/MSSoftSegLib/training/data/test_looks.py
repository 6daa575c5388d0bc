"""What changes the looks of images: never the label, never anything outside the brain."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from MSSoftSegLib.training.data.augmentation.dropout import DropoutDraw, apply_dropout, draw_dropout
from MSSoftSegLib.training.data.augmentation.intensity import (
    ChannelIntensity,
    IntensityDraw,
    apply_intensity,
    draw_intensity,
)
from MSSoftSegLib.training.data.augmentation.resolution import (
    ChannelResolution,
    ResolutionDraw,
    apply_resolution,
    draw_resolution,
)
from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.recipe import AugmentationSettings

from .recipes import EVERYTHING

SHAPE = (20, 26, 22)
LIMITS = AugmentationSettings(**EVERYTHING)


def a_sample(seed=0, *, shape=SHAPE, channels=3):
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    brain = (grid**2).sum(axis=0) < 0.8
    images = np.stack([ndimage.gaussian_filter(rng.standard_normal(shape), 1.0) * 4 for _ in range(channels)])
    label = rng.random((1, *shape), dtype=np.float32)
    return Sample(
        torch.from_numpy((images * brain).astype(np.float32)),
        torch.from_numpy(label),
        torch.from_numpy(brain.astype(np.float32)[None]),
        "case",
        {},
    )


def one_channel(sample, **drawn):
    """The first channel after that draw, inside the brain and before."""
    nothing = ChannelIntensity()
    draw = IntensityDraw((ChannelIntensity(**drawn), nothing, nothing), 12.0)
    after = apply_intensity(sample, draw)
    assert torch.equal(after.images[1:], sample.images[1:])
    inside = sample.weight[0] > 0
    return sample.images[0][inside].numpy(), after.images[0][inside].numpy()


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), flat=st.booleans())
def test_whatever_is_drawn_the_label_is_untouched_and_images_stay_zero_outside_the_brain(seed, flat):
    sample = a_sample(seed % 7, shape=SHAPE[1:] if flat else SHAPE)
    rng = np.random.default_rng(seed)
    axes = 2 if flat else 3
    first = apply_resolution(sample, draw_resolution(LIMITS, rng=rng, channels=3, spacing_mm=1.0, axes=axes))
    after = apply_intensity(first, draw_intensity(LIMITS, rng=rng, channels=3, spacing_mm=1.0))
    assert torch.equal(after.label, sample.label)
    assert torch.equal(after.weight, sample.weight)
    assert torch.all(after.images[:, sample.weight[0] == 0] == 0)
    assert torch.isfinite(after.images).all()
    assert after.images.dtype == torch.float32


def test_the_same_draw_gives_the_same_images_and_another_seed_other_noise():
    sample = a_sample()
    draws = [IntensityDraw((ChannelIntensity(noise=0.2, bias=0.2, seed=seed),) * 3, 30.0) for seed in (1, 1, 2)]
    first, again, other = (apply_intensity(sample, draw).images for draw in draws)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_gamma_keeps_order_and_range():
    before, after = one_channel(a_sample(), gamma=1.5)
    order = np.argsort(before)
    assert np.all(np.diff(after[order]) >= -1e-5)
    assert after.min() == pytest.approx(before.min(), abs=1e-5)
    assert after.max() == pytest.approx(before.max(), abs=1e-5)
    # An exponent above 1 darkens what lies between.
    assert after.mean() < before.mean() - 0.05


def test_contrast_spreads_about_the_brains_mean_and_brightness_shifts():
    before, after = one_channel(a_sample(), contrast=1.3)
    assert after.mean() == pytest.approx(before.mean(), abs=1e-4)
    assert after.std() == pytest.approx(1.3 * before.std(), rel=1e-4)
    before, after = one_channel(a_sample(), brightness=-0.4)
    np.testing.assert_allclose(after, before - 0.4, atol=1e-6)


def test_noise_has_the_drawn_standard_deviation_and_bias_stays_within_its_amplitude():
    before, after = one_channel(a_sample(), noise=0.25, seed=3)
    assert (after - before).std() == pytest.approx(0.25, rel=0.05)
    assert (after - before).mean() == pytest.approx(0, abs=0.02)
    before, after = one_channel(a_sample(), bias=0.2, seed=4)
    # In raw intensities, three SD above zero on average, the image was multiplied.
    factor = (after + 3.0) / (before + 3.0)
    factor = factor[before > -2]
    assert 0.1 < np.abs(factor - 1).max() <= 0.2 + 1e-4
    assert factor.std() > 0.02


def test_an_absent_channel_stays_absent():
    sample = a_sample()
    sample.images[1] = 0
    everything = ChannelIntensity(gamma=1.2, contrast=1.2, brightness=0.3, bias=0.1, noise=0.1)
    after = apply_intensity(sample, IntensityDraw((everything,) * 3, 30.0))
    assert not after.images[1].any()
    assert after.images[0].any()


@pytest.mark.parametrize("sd", [0.4, 1.0, 2.3])
def test_blur_is_scipys_gaussian(sd):
    sample = a_sample()
    draw = ResolutionDraw((ChannelResolution(blur_sd=sd), ChannelResolution(), ChannelResolution()))
    after = apply_resolution(sample, draw)
    reach = max(1, round(3 * sd))
    expected = ndimage.gaussian_filter(sample.images[0].numpy(), sd, mode="constant", radius=reach)
    inner = (slice(reach, -reach),) * 3
    inside = sample.weight[0].numpy() > 0
    np.testing.assert_allclose(after.images[0].numpy()[inner], (expected * inside)[inner], atol=1e-5)
    assert torch.equal(after.images[1:], sample.images[1:])


def test_thick_slices_are_means_with_straight_lines_between_their_middles():
    """By hand: six voxels in slices of three have means 2 and 8 at the places 1 and 4."""
    column = torch.tensor([1.0, 2.0, 3.0, 7.0, 8.0, 9.0])
    images = column[:, None, None].expand(6, 4, 5)[None].contiguous()
    sample = Sample(images, torch.zeros(1, 6, 4, 5), torch.ones(1, 6, 4, 5), "case", {})
    after = apply_resolution(sample, ResolutionDraw((ChannelResolution(thick=3.0, thick_axis=0),)))
    np.testing.assert_allclose(after.images[0, :, 2, 3], [2, 2, 4, 6, 8, 8], atol=1e-5)


@settings(max_examples=30)
@given(thick=st.floats(1.1, 9), axis=st.integers(0, 2), blur=st.floats(0.01, 3))
def test_a_constant_image_has_no_detail_to_lose(thick, axis, blur):
    images = torch.full((1, 9, 12, 10), 2.5)
    sample = Sample(images, torch.zeros(1, 9, 12, 10), torch.ones(1, 9, 12, 10), "case", {})
    draw = ResolutionDraw((ChannelResolution(blur_sd=blur, thick=thick, thick_axis=axis),))
    assert torch.allclose(apply_resolution(sample, draw).images, images, atol=1e-5)


def test_each_effect_has_its_chance_and_its_limit():
    rng = np.random.default_rng(3)
    drawn = [draw_intensity(LIMITS, rng=rng, channels=1, spacing_mm=2.0).channels[0] for _ in range(800)]
    for name, nothing, low, high in (
        ("gamma", 1.0, 0.6, 1.4),
        ("contrast", 1.0, 0.6, 1.4),
        ("brightness", 0.0, -0.5, 0.5),
        ("bias", 0.0, 0.0, 0.3),
        ("noise", 0.0, 0.0, 0.3),
    ):
        values = np.array([getattr(channel, name) for channel in drawn])
        happened = values[values != nothing]
        assert 0.19 < happened.size / 800 < 0.31
        assert low <= happened.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < happened.max() <= high
    sliced = [draw_resolution(LIMITS, rng=rng, channels=1, spacing_mm=2.0, axes=3).channels[0] for _ in range(800)]
    thick = np.array([channel.thick for channel in sliced])
    assert 0.19 < np.mean(thick > 0) < 0.31
    assert thick[thick > 0].min() > 1
    assert 2.3 < thick.max() <= 2.5
    assert {channel.thick_axis for channel in sliced} == {0, 1, 2}
    nothing = AugmentationSettings()
    assert draw_intensity(nothing, rng=rng, channels=1, spacing_mm=1.0).channels[0].noise == 0
    assert draw_resolution(nothing, rng=rng, channels=1, spacing_mm=1.0, axes=3).channels[0].thick == 0


@settings(max_examples=100)
@given(
    channels=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
    chance=st.sampled_from([0.5, 1.0]),
)
def test_dropout_never_takes_a_required_an_absent_or_the_last_present_input(channels, seed, chance):
    required, present = [c[0] for c in channels], [c[1] for c in channels]
    limits = AugmentationSettings(modality_dropout=chance)
    rng = np.random.default_rng(seed)
    dropped = draw_dropout(limits, rng=rng, required=required, present=present).channel
    if dropped is not None:
        assert present[dropped]
        assert not required[dropped]
        assert sum(present) >= 2
    elif chance == 1:
        assert sum(present) < 2 or not any(p and not r for r, p in channels)


def test_dropout_has_its_chance_spreads_evenly_and_blanks_one_channel():
    limits, rng = AugmentationSettings(modality_dropout=0.3), np.random.default_rng(0)
    dropped = [
        draw_dropout(limits, rng=rng, required=[True, False, False], present=[True] * 3).channel for _ in range(2000)
    ]
    assert 0.12 < np.mean([d == 1 for d in dropped]) < 0.18
    assert 0.12 < np.mean([d == 2 for d in dropped]) < 0.18
    sample = a_sample()
    after = apply_dropout(sample, DropoutDraw(2))
    assert not after.images[2].any()
    assert torch.equal(after.images[:2], sample.images[:2])
    assert sample.images[2].any()
    assert apply_dropout(sample, DropoutDraw()) is sample
