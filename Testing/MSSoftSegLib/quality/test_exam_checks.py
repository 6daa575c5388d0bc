"""Before inference: good exams get no warning, spoilt ones get theirs, and nothing raises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.quality.brain import broken_share, symmetry
from MSSoftSegLib.quality.brain_view import BrainView
from MSSoftSegLib.quality.checks import exam_warnings
from MSSoftSegLib.quality.contrast import contrast_warnings
from MSSoftSegLib.quality.warning import Check
from Testing.MSSoftSegLib.quality.small_working import (
    FLAIR,
    T1,
    T2,
    exchanged,
    remasked,
    small_working,
    without,
)


def told(working):
    return {(warning.check, warning.modality) for warning in exam_warnings(working)}


@pytest.mark.parametrize("seed", [3, 7])
def test_a_good_exam_gets_no_warning(seed):
    assert exam_warnings(small_working(seed)) == ()


def test_every_wrong_contrast_is_told_by_slot_and_by_what_it_looks_like():
    working = small_working()
    for slot in (FLAIR, T1, T2):
        for held in (FLAIR, T1, T2):
            alone = replace(working, images={FLAIR: working.images[FLAIR], slot: working.images[held]})
            found = [each for each in contrast_warnings(BrainView.of(alone)) if each.check is Check.CONTRAST]
            assert [each.modality for each in found] == ([] if slot is held else [slot])
            for each in found:
                assert f"in the {slot.upper()} slot looks like a {held.upper()} image" in each.text


def test_swapped_images_are_both_named():
    working = small_working()
    swapped = exchanged(working, t1=working.images[T2], t2=working.images[T1])
    assert told(swapped) == {(Check.CONTRAST, T1), (Check.CONTRAST, T2)}


@pytest.mark.parametrize(("scale", "offset"), [(0.001, 0.0), (7.0, 0.0), (3.0, 5000.0)])
def test_scale_and_offset_of_the_gray_values_do_not_matter(scale, offset):
    working = small_working()
    mask = voxels(working.brain_mask) > 0
    changed = {
        m: image_like(image, np.where(mask, scale * voxels(image) + offset, 0).astype(np.float32))
        for m, image in working.images.items()
    }
    assert exam_warnings(replace(working, images=changed)) == ()


def test_an_inverted_flair_is_warned_of():
    working = small_working()
    array, mask = voxels(working.images[FLAIR]), voxels(working.brain_mask) > 0
    inverted = image_like(working.brain_mask, np.where(mask, array.max() - array, 0).astype(np.float32))
    assert (Check.CONTRAST, FLAIR) in told(exchanged(working, flair=inverted))


def test_one_image_in_two_slots_is_told_even_when_it_was_resampled_and_rescaled():
    working = small_working()
    again = ndimage.shift(voxels(working.images[T1]), 0.2, order=1) * 3
    copy = image_like(working.brain_mask, again.astype(np.float32))
    found = [w for w in exam_warnings(exchanged(working, t2=copy)) if w.check is Check.SAME_IMAGE]
    assert [w.modality for w in found] == [T2]
    assert "T1 and T2 slots hold the same image" in found[0].text


@pytest.mark.parametrize("modality", [T1, T2])
def test_an_image_8_mm_beside_flair_is_named_and_no_other(modality):
    beside = small_working(shift_mm=((modality, 8.0),))
    assert {w.modality for w in exam_warnings(beside) if w.check is Check.ALIGNMENT} == {modality}


def test_where_t1_and_t2_agree_it_is_flair_that_is_named():
    beside = small_working(shift_mm=((T1, 8.0), (T2, 8.0)))
    assert {w.modality for w in exam_warnings(beside) if w.check is Check.ALIGNMENT} == {FLAIR}


def test_a_millimeter_is_no_failed_alignment():
    assert not [w for w in exam_warnings(small_working(shift_mm=((T2, 1.0),))) if w.check is Check.ALIGNMENT]


def test_an_image_that_was_not_given_is_named():
    found = exam_warnings(without(small_working(), T2))
    assert [(w.check, w.modality) for w in found] == [(Check.MISSING, T2)]
    assert found[0].text.startswith("No T2 image was given")


def _left_half(mask):
    return mask & (np.arange(mask.shape[2]) > mask.shape[2] / 2)


def _upper_half(mask):
    return mask & (np.arange(mask.shape[0]) > mask.shape[0] / 2)[:, None, None]


def _with_a_hole(mask):
    z, y, x = (n // 2 for n in mask.shape)
    holed = mask.copy()
    holed[z : z + 18, y - 9 : y + 9, x - 9 : x + 9] = False
    return holed


def _a_core(mask):
    return ndimage.binary_erosion(mask, iterations=14)


def _everything(mask):
    return np.ones_like(mask)


@pytest.mark.parametrize("change", [_left_half, _upper_half, _with_a_hole, _a_core, _everything])
def test_what_is_no_whole_brain_is_warned_of(change):
    working = small_working()
    spoilt = remasked(working, change(voxels(working.brain_mask) > 0))
    assert (Check.BRAIN, None) in told(spoilt)


def test_an_image_that_shows_half_of_the_brain_is_named():
    working = small_working()
    grid = working.native_grids[T2]
    half = replace(grid, size=(grid.size[0], grid.size[1], grid.size[2] // 2))
    found = [w for w in exam_warnings(replace(working, native_grids={**working.native_grids, T2: half}))]
    assert [(w.check, w.modality) for w in found] == [(Check.BRAIN, T2)]
    assert "does not show" in found[0].text


def test_symmetry_of_a_box_and_of_a_wedge():
    box = np.zeros((6, 6, 12), bool)
    box[:, :, 3:9] = True
    wedge = np.tri(12, 12, dtype=bool)[None].repeat(4, axis=0)
    assert symmetry(box) == 1
    assert symmetry(wedge) < 0.8


def test_a_loose_piece_and_a_hole_count_alike():
    mask = np.zeros((12, 12, 12), bool)
    mask[1:7, 1:7, 1:7] = True
    assert broken_share(mask) == 0
    mask[3, 3, 3] = False
    mask[10, 10, 10] = True
    assert broken_share(mask) == pytest.approx(2 / 216)


@pytest.mark.parametrize("value", [0.0, 100.0, np.nan, np.inf, 1e30])
def test_an_image_that_shows_nothing_is_named_and_raises_nothing(value):
    working = small_working()
    flat = image_like(working.brain_mask, np.full(working.grid.size[::-1], value, np.float32))
    assert (Check.STATISTICS, T2) in told(exchanged(working, t2=flat))


@pytest.mark.parametrize("voxel_count", [0, 1, 30])
def test_a_mask_of_next_to_nothing_is_a_warning_not_an_error(voxel_count):
    working = small_working()
    mask = np.zeros(working.grid.size[::-1], np.uint8)
    mask[20, 20, 10 : 10 + voxel_count] = 1
    assert (Check.BRAIN, None) in told(remasked(working, mask))


def test_noise_in_all_slots_raises_nothing():
    working = small_working()
    rng = np.random.default_rng(0)
    noise = {
        m: image_like(working.brain_mask, rng.normal(size=working.grid.size[::-1]).astype(np.float32)) for m in Modality
    }
    grids = {m: working.native_grids[FLAIR] for m in Modality}
    ways = {m: working.native_from_working[FLAIR] for m in Modality}
    exam_warnings(replace(working, images=noise, native_grids=grids, native_from_working=ways))
