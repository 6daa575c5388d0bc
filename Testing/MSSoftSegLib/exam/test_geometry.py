"""Grids: the same voxels stay at the same points of the patient, whatever the order of the axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from MSSoftSegLib.exam.geometry import (
    Grid,
    copy_image,
    have_same_grid,
    isotropic_grid_around,
    orient_canonically,
    orientation_letters,
    resample,
    voxels,
)
from Testing.MSSoftSegLib.exam.made_files import angles, made_grid, made_image, made_voxels

SIGNED_PERMUTATIONS = [
    np.eye(3)[:, list(order)] * signs
    for order in itertools.permutations(range(3))
    for signs in itertools.product([1.0, -1.0], repeat=3)
]
turns = st.tuples(*[angles(0.4)] * 3)


def points_by_value(image: sitk.Image) -> dict[float, tuple[float, ...]]:
    """The LPS point of every voxel, found by its value (all differ), by ITK's own arithmetic."""
    return {
        image[index]: image.TransformIndexToPhysicalPoint(index)
        for index in itertools.product(*(range(count) for count in image.GetSize()))
    }


@pytest.mark.parametrize("axes", SIGNED_PERMUTATIONS, ids=lambda axes: "".join(f"{int(v):+d}" for v in axes.ravel()))
def test_canonical_order_leaves_every_voxel_where_it_is(axes: np.ndarray) -> None:
    turn = Rotation.from_euler("xyz", [8, -13, 21], degrees=True).as_matrix()
    image = made_grid(turn @ axes).image(made_voxels())
    ordered = orient_canonically(image)
    before, after = points_by_value(image), points_by_value(ordered)
    assert before.keys() == after.keys()
    assert max(np.linalg.norm(np.subtract(before[value], after[value])) for value in before) < 1e-6
    assert orientation_letters(ordered) == "LPS"


def test_there_are_48_orders_of_the_axes() -> None:
    assert len({tuple(axes.ravel()) for axes in SIGNED_PERMUTATIONS}) == 48


@settings(max_examples=60)
@given(axes=st.sampled_from(SIGNED_PERMUTATIONS), turn=turns)
def test_canonical_order_of_any_oblique_image_is_its_own_canonical_order(
    axes: np.ndarray, turn: tuple[float, float, float]
) -> None:
    image = made_grid(Rotation.from_rotvec(turn).as_matrix() @ axes).image(made_voxels())
    once = orient_canonically(image)
    twice = orient_canonically(once)
    before, after = points_by_value(image), points_by_value(once)
    assert max(np.linalg.norm(np.subtract(before[value], after[value])) for value in before) < 1e-6
    assert have_same_grid(once, twice)
    np.testing.assert_array_equal(voxels(once), voxels(twice))


@pytest.mark.parametrize(
    ("axes", "letters"),
    [
        (np.eye(3), "LPS"),
        (np.diag([-1.0, -1.0, 1.0]), "RAS"),
        (np.diag([1.0, -1.0, 1.0]), "LAS"),
        # Columns: x runs posterior, y superior, z left.
        (np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=float), "PSL"),
    ],
)
def test_letters_name_where_increasing_indices_run(axes: np.ndarray, letters: str) -> None:
    assert orientation_letters(made_grid(axes).image(made_voxels())) == letters


def test_a_voxel_lies_where_itk_puts_it() -> None:
    image = made_image()
    for index in [(0, 0, 0), (5, 0, 0), (0, 4, 0), (0, 0, 3), (5, 4, 3)]:
        point = made_grid().lps_from_voxel() @ [*index, 1]
        assert point[:3] == pytest.approx(image.TransformIndexToPhysicalPoint(index))


def test_a_grid_survives_its_image() -> None:
    assert Grid.of(made_image()) == made_grid()
    np.testing.assert_array_equal(voxels(made_image()), made_voxels())


def test_an_array_in_the_wrong_order_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        made_grid().image(made_voxels().T)


# --- the same grid, and not the same


@settings(max_examples=100)
@given(
    turn=st.tuples(*[angles(3)] * 3),
    way=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda way: np.linalg.norm(way) > 0.1),
    share=st.floats(0, 3).filter(lambda share: abs(share - 1) > 0.01),
)
def test_a_shift_of_up_to_a_thousandth_of_the_smallest_spacing_is_the_same_grid(
    turn: tuple[float, float, float], way: tuple[float, float, float], share: float
) -> None:
    grid = made_grid(Rotation.from_rotvec(turn).as_matrix())
    shift_mm = np.array(way) / np.linalg.norm(way) * share * 0.0009  # spacing 0.9 mm
    origin = tuple((np.array(grid.origin_mm) + shift_mm).tolist())
    shifted = Grid(grid.size, grid.spacing_mm, origin, grid.direction)
    assert have_same_grid(grid, shifted) == (share < 1)
    assert have_same_grid(shifted, grid) == (share < 1)


@pytest.mark.parametrize("factor", [1 + 1e-6, 1 + 1e-3])
def test_a_spacing_counts_by_what_it_does_to_the_far_corner(factor: float) -> None:
    grid = made_grid()
    # 3 steps of 3.1 mm: 1e-6 moves the corner by 0.00001 mm, 1e-3 by 0.0093 mm; allowed are 0.0009 mm.
    other = Grid(grid.size, (0.9, 1.2, 3.1 * factor), grid.origin_mm, grid.direction)
    assert have_same_grid(grid, other) == (factor < 1.0005)


@pytest.mark.parametrize("degrees", [1e-4, 0.1])
def test_a_turn_counts_by_what_it_does_to_the_far_corner(degrees: float) -> None:
    # The far corner is about 11 mm away: 1e-4 degrees move it by 0.00002 mm, 0.1 degrees by 0.01 to 0.02 mm.
    turned = Rotation.from_euler("z", degrees, degrees=True).as_matrix() @ np.reshape(made_grid().direction, (3, 3))
    assert have_same_grid(made_grid(), made_grid(turned)) == (degrees < 0.01)


def test_another_size_or_a_mirror_image_is_another_grid() -> None:
    grid = made_grid()
    assert not have_same_grid(grid, Grid((6, 5, 3), grid.spacing_mm, grid.origin_mm, grid.direction))
    mirrored = np.reshape(grid.direction, (3, 3)) * [-1, 1, 1]
    assert not have_same_grid(grid, made_grid(mirrored))
    assert not have_same_grid(grid, Grid(grid.size, grid.spacing_mm, (float("nan"), 0, 0), grid.direction))


# --- the isotropic grid around a mask


@settings(max_examples=100)
@given(
    occupied=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=6),
    turn=st.tuples(*[angles(3)] * 3),
    spacing_mm=st.floats(0.3, 2.5),
    margin_mm=st.floats(0, 12),
    multiple=st.sampled_from([1, 2, 8, 16]),
)
def test_the_grid_holds_every_edge_of_every_voxel_and_the_margin(
    occupied: set[tuple[int, int, int]],
    turn: tuple[float, float, float],
    spacing_mm: float,
    margin_mm: float,
    multiple: int,
) -> None:
    mask = sitk.Cast(made_grid(Rotation.from_rotvec(turn).as_matrix()).image(np.zeros((4, 5, 6))), sitk.sitkUInt8)
    # Where the mask has the spacing already, its own lattice is kept instead: another test.
    assume(not np.isclose(spacing_mm, mask.GetSpacing(), rtol=1e-4).any())
    for index in occupied:
        mask[index] = 1
    grid = isotropic_grid_around(mask, spacing_mm=spacing_mm, margin_mm=margin_mm, multiple=multiple)
    assert grid.spacing_mm == (spacing_mm,) * 3
    assert all(count % multiple == 0 for count in grid.size)
    reference = grid.reference()
    margin = margin_mm / np.array(mask.GetSpacing())
    for index, corner in itertools.product(occupied, itertools.product([-1, 1], repeat=3)):
        outermost = np.array(index) + np.array(corner) * (0.5 + margin)
        point = mask.TransformContinuousIndexToPhysicalPoint(outermost.tolist())
        inside = np.array(reference.TransformPhysicalPointToContinuousIndex(point))
        # From the first voxel's outer edge to the last one's; a thousandth of a voxel is not worth another one.
        assert np.all(inside >= -0.5 - 1e-3)
        assert np.all(inside <= np.array(grid.size) - 0.5 + 1e-3)
    low = np.min(list(occupied), axis=0) - 0.5 - margin
    high = np.max(list(occupied), axis=0) + 0.5 + margin
    needed = (high - low) * np.array(mask.GetSpacing()) / spacing_mm
    # No larger than rounding up asks for, and centered on what it holds.
    assert np.all(np.array(grid.size) < needed + multiple + 1e-3)
    middle = mask.TransformContinuousIndexToPhysicalPoint(((low + high) / 2).tolist())
    center = reference.TransformContinuousIndexToPhysicalPoint([(count - 1) / 2 for count in grid.size])
    assert center == pytest.approx(middle, abs=1e-6)


def test_the_grid_around_one_voxel_is_the_one_worked_out_by_hand() -> None:
    # One voxel of 2 × 2 × 4 mm at index (1, 1, 1), margin 1 mm: 4 × 4 × 6 mm, at 1 mm and multiples of 4: 4 × 4 × 8.
    mask = sitk.Image((3, 3, 3), sitk.sitkUInt8)
    mask.SetSpacing((2, 2, 4))
    mask[1, 1, 1] = 1
    grid = isotropic_grid_around(mask, spacing_mm=1.0, margin_mm=1.0, multiple=4)
    assert grid.size == (4, 4, 8)
    # Centers: 2 mm ± 1.5 mm along x and y, 4 mm ± 3.5 mm along z.
    assert grid.origin_mm == pytest.approx((0.5, 0.5, 0.5))


def test_an_empty_mask_has_no_grid_around_it() -> None:
    with pytest.raises(ValueError, match="empty"):
        isotropic_grid_around(sitk.Image((3, 3, 3), sitk.sitkUInt8), spacing_mm=1.0, margin_mm=0.0, multiple=1)


def test_resampling_onto_its_own_grid_changes_nothing() -> None:
    np.testing.assert_allclose(voxels(resample(made_image(), made_grid())), made_voxels(), atol=1e-4)


def test_outside_the_field_of_view_there_is_zero() -> None:
    grid = made_grid()
    away = Grid(grid.size, grid.spacing_mm, (500.0, 0.0, 0.0), grid.direction)
    assert not voxels(resample(made_image(), away)).any()


@given(margin_mm=st.floats(0, 12), multiple=st.sampled_from([1, 2, 16]), axis=st.sampled_from([0, 1, 2]))
def test_where_the_mask_has_the_spacing_its_own_lattice_is_kept(margin_mm: float, multiple: int, axis: int) -> None:
    mask = sitk.Cast(made_grid().image(np.zeros((4, 5, 6))), sitk.sitkUInt8)
    mask[2, 1, 3] = 1
    spacing_mm = mask.GetSpacing()[axis]
    grid = isotropic_grid_around(mask, spacing_mm=spacing_mm, margin_mm=margin_mm, multiple=multiple)
    first = np.array(mask.TransformPhysicalPointToContinuousIndex(grid.origin_mm))[axis]
    assert first == pytest.approx(round(first), abs=1e-6)
    margin = margin_mm / spacing_mm
    low, high = np.array((2, 1, 3))[axis] - 0.5 - margin, np.array((2, 1, 3))[axis] + 0.5 + margin
    # Headers hold 32 bits: a thousandth of a voxel is no reason for another one.
    assert first - 0.5 <= low + 2e-3
    assert first - 0.5 + grid.size[axis] >= high - 2e-3


def test_a_copy_for_another_thread_shares_no_memory_with_its_image():
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    image.SetSpacing((1.0, 2.0, 3.0))
    copy = copy_image(image)
    assert copy.IsUnique()
    assert image.IsUnique()
    assert have_same_grid(copy, image)
    copy[0, 0, 0] = 99.0
    assert image[0, 0, 0] == 0
    assert (voxels(copy).ravel()[1:] == voxels(image).ravel()[1:]).all()
