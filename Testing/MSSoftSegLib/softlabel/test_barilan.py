"""The thesis' shell against a brute force over all lesions and voxels, and by hand at the awkward places."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask
from Testing.MSSoftSegLib.softlabel.made_masks import OBLIQUE, drawings, image, soften, values


def brute_force_shell(drawn, radius_mm):
    """Every voxel against every lesion: near it, and brighter than its mean, in whole numbers and float64."""
    components = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray(drawn.core.astype(np.uint8)), True)
    )
    shell = np.zeros(drawn.core.size, bool)
    for number in range(1, components.max() + 1):
        lesion = components == number
        near = drawn.distances_mm(lesion).min(axis=1) <= radius_mm + 1e-6
        # F > sum / n, without a division.
        shell |= near & (drawn.flair.ravel() * lesion.sum() > drawn.flair[lesion].sum())
    return shell.reshape(drawn.core.shape) & ~drawn.core


@given(drawn=drawings(), radius=st.sampled_from([0.9, 1.0, 2.0, 3.2, 6.0]))
def test_the_shell_is_that_of_a_brute_force_over_all_lesions_and_voxels(drawn, radius):
    soft = soften(drawn.core, drawn.flair, drawn.spacing, method="barilan", radius_mm=radius, gamma=0.5)
    expected = brute_force_shell(drawn, radius)
    np.testing.assert_array_equal(values(soft), drawn.core + np.float32(0.5) * expected)
    assert soft.shell_voxels == expected.sum()


@given(drawn=drawings(most=6), axes=st.permutations([0, 1, 2]), flipped=st.sets(st.integers(0, 2)))
def test_the_order_in_which_voxels_are_stored_changes_nothing(drawn, axes, flipped):
    def turned(array):
        return np.flip(np.transpose(array, axes), tuple(flipped))

    before = soften(drawn.core, drawn.flair, drawn.spacing, method="barilan", radius_mm=2.0)
    spacing = tuple(drawn.spacing[axis] for axis in axes)
    after = soften(turned(drawn.core), turned(drawn.flair), spacing, method="barilan", radius_mm=2.0)
    np.testing.assert_array_equal(values(after), turned(values(before)))


@given(drawn=drawings(most=6), shift=st.integers(-50, 50), scale=st.sampled_from([0.5, 2.0, 4.0]))
def test_the_units_of_flair_do_not_matter(drawn, shift, scale):
    before = soften(drawn.core, drawn.flair, drawn.spacing, method="barilan", radius_mm=2.0)
    after = soften(drawn.core, drawn.flair * scale + shift, drawn.spacing, method="barilan", radius_mm=2.0)
    np.testing.assert_array_equal(values(after), values(before))


def one_voxel(shape=(5, 5, 5), at=(2, 2, 2), flair_around=10.0):
    core, flair = np.zeros(shape, bool), np.full(shape, flair_around)
    core[at], flair[at] = True, 9.0
    return core, flair


def test_at_1_mm_the_ball_around_a_one_voxel_lesion_is_the_cross_of_six():
    core, flair = one_voxel()
    soft = values(soften(core, flair, method="barilan", gamma=0.7))
    cross = np.abs(np.indices(core.shape) - 2).sum(axis=0) == 1
    np.testing.assert_array_equal(soft, core + np.float32(0.7) * cross)


def test_a_voxel_as_bright_as_the_lesions_mean_is_not_brighter():
    core, flair = one_voxel(flair_around=9.0)
    assert soften(core, flair, method="barilan").shell_voxels == 0
    # Three voxels of a value that no binary fraction holds: their mean is that value, not a rounding below it.
    core[2, 2, 1:4] = True
    assert soften(core, np.full(core.shape, 0.1), method="barilan").shell_voxels == 0


def test_a_voxel_that_is_brighter_than_the_mean_by_less_than_the_mean_can_be_rounded_is_brighter():
    core, flair = np.zeros((1, 3, 5), bool), np.zeros((1, 3, 5))
    core[0, 1, :3], flair[0, 1, :3] = True, [1, 1, 2]
    flair[0, 1, 3] = np.float32(4 / 3)  # rounded up: 1.33333337
    assert values(soften(core, flair, method="barilan"))[0, 1, 3] == 0.5


def test_slices_thicker_than_the_radius_get_no_shell_across_them():
    core, flair = one_voxel()
    soft = values(soften(core, flair, (3.0, 1.0, 1.0), method="barilan"))
    assert (soft > 0).sum(axis=(1, 2)).tolist() == [0, 0, 5, 0, 0]
    assert soften(core, flair, (3.0, 1.2, 1.2), method="barilan").shell_voxels == 0


def test_a_spacing_that_a_header_rounded_up_still_reaches_the_neighbor():
    core, flair = one_voxel()
    rounded = float(np.float32(0.1)) * 10  # 1.00000001490
    assert rounded > 1
    assert soften(core, flair, (rounded,) * 3, method="barilan").shell_voxels == 6


def test_between_two_lesions_a_voxel_is_kept_when_it_is_brighter_than_either_mean():
    core, flair = np.zeros((1, 3, 7), bool), np.zeros((1, 3, 7))
    core[0, 1, 1] = core[0, 1, 5] = True
    flair[0, 1] = [0, 50, 0, 30, 0, 20, 0]
    soft = values(soften(core, flair, method="barilan", radius_mm=2.0))
    assert soft[0, 1].tolist() == [0, 1, 0, 0.5, 0, 1, 0], "brighter than the dim lesion, two voxels away"
    assert values(soften(core, flair, method="barilan", radius_mm=1.9))[0, 1, 3] == 0
    flair[0, 1, 3] = 20
    assert values(soften(core, flair, method="barilan", radius_mm=2.0))[0, 1, 3] == 0


def test_lesions_that_touch_at_a_corner_are_one_with_one_mean():
    core, flair = np.zeros((4, 4, 4), bool), np.zeros((4, 4, 4))
    core[1, 1, 1] = core[2, 2, 2] = True
    flair[1, 1, 1], flair[2, 2, 2] = 10, 50
    flair[1, 1, 0] = 20  # above the first alone, below the mean of 30
    assert soften(core, flair, method="barilan").shell_voxels == 0


def test_a_lesion_in_the_corner_of_the_image_gets_what_lies_inside():
    core, flair = one_voxel(shape=(3, 4, 5), at=(0, 3, 4))
    assert soften(core, flair, method="barilan").shell_voxels == 3


def test_disagreement_gets_gamma_but_no_shell_and_the_larger_value_stands():
    first, second = np.zeros((1, 1, 9), int), np.zeros((1, 1, 9), int)
    first[0, 0, [1, 2, 6]], second[0, 0, [1, 8]] = 1, (1, 2)
    flair = np.full((1, 1, 9), 10.0)
    flair[0, 0, 1] = 5
    soft = values(soften([first, second], flair, method="barilan", merge="soft-union", gamma=0.3))
    np.testing.assert_allclose(soft.ravel(), [0.3, 1, 0.3, 0, 0, 0, 0.3, 0, 0.3], atol=1e-6)


@pytest.mark.parametrize("direction", [OBLIQUE, (0, 0, 1, 1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0, 0, 0, 1)])
def test_the_result_lies_on_the_grid_of_the_raters_and_the_way_they_lie_changes_no_value(direction):
    core, flair = one_voxel(shape=(4, 5, 6))
    spacing = (0.9, 1.1, 3.0)
    mask = image(core.astype(np.uint8), spacing, direction=direction)
    gray = image(flair.astype(np.float32), spacing, direction=direction)
    soft = make_soft_mask([mask], gray, SoftLabelSettings(method="barilan", radius_mm=1.2))
    assert soft.image.GetPixelID() == sitk.sitkFloat32
    assert soft.image.GetDirection() == mask.GetDirection()
    assert soft.image.GetOrigin() == mask.GetOrigin()
    assert soft.image.GetSpacing() == mask.GetSpacing()
    assert soft.shell_voxels == 4
    assert soft.soft_volume_ml == pytest.approx((1 + 4 * 0.5) * 0.9 * 1.1 * 3.0 / 1000)
