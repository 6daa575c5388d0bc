"""Slices as radiologists see them, proved on images whose voxel values are their own patient coordinates."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine
from MSSoftSegLib.report.planes import (
    BORDERS,
    DisplayVolumes,
    Plane,
    busiest_slice,
    gray_window,
    name_slice_place,
    screen_position_mm,
    screen_slice,
    screen_spacing_mm,
    sharpest_plane,
)
from Testing.MSSoftSegLib.report.made_up import (
    CORONAL_SLICES,
    LPS,
    RAS,
    SAGITTAL_SLICES,
    block,
    grid_around_origin,
    head,
    points_lps,
    segmentation_of,
    turned,
)

# LPS axis and direction that each border letter stands for.
MEANING = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
STORED = {"LPS": LPS, "RAS": RAS, "sagittal": SAGITTAL_SLICES, "coronal": CORONAL_SLICES}


def volumes_of(grid: Grid, *masks: np.ndarray) -> DisplayVolumes:
    masks = masks or (np.zeros(grid.size[::-1], bool),)
    return DisplayVolumes.of(head(grid, np.any(masks, axis=0)), segmentation_of(grid, *masks))


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize("stored", STORED)
def test_the_border_letters_say_where_the_patients_sides_are(stored: str, plane: Plane) -> None:
    grid = grid_around_origin(turned(STORED[stored], 14), (5.0, 6.0, 10.0))
    points = points_lps(grid)
    blank = segmentation_of(grid, np.zeros(points.shape[:3], bool))
    shown = []
    for axis in range(3):
        coordinate = grid.image(points[..., axis].astype(np.float32))
        shown.append(screen_slice(DisplayVolumes.of(coordinate, blank).gray, plane, 4))
    borders = BORDERS[plane]
    for letter, step in (
        (borders.bottom, [image[-1, 3] - image[0, 3] for image in shown]),
        (borders.top, [image[0, 3] - image[-1, 3] for image in shown]),
        (borders.right, [image[3, -1] - image[3, 0] for image in shown]),
        (borders.left, [image[3, 0] - image[3, -1] for image in shown]),
    ):
        axis, sign = MEANING[letter]
        assert int(np.argmax(np.abs(step))) == axis
        assert np.sign(step[axis]) == sign


def test_a_displayed_voxel_has_the_spacing_of_the_two_axes_it_shows() -> None:
    # Stored as sagittal slices 4 mm apart: x runs to posterior (1 mm), y to inferior (2 mm), z to the right (4 mm).
    volumes = volumes_of(grid_around_origin(SAGITTAL_SLICES, (1.0, 2.0, 4.0), 40.0))
    assert screen_spacing_mm(volumes.grid, Plane.AXIAL) == (1.0, 4.0)
    assert screen_spacing_mm(volumes.grid, Plane.CORONAL) == (2.0, 4.0)
    assert screen_spacing_mm(volumes.grid, Plane.SAGITTAL) == (2.0, 1.0)


def test_positions_on_the_screen_are_measured_from_the_upper_left_corner_to_voxel_centers() -> None:
    grid = Grid((10, 20, 30), (1.0, 2.0, 4.0), (0.0, 0.0, 0.0), tuple(LPS.ravel()))
    voxel = np.array([29, 3, 7])  # the uppermost slice
    assert screen_position_mm(grid, Plane.AXIAL, voxel) == (7.0, 7.5)
    assert screen_position_mm(grid, Plane.CORONAL, voxel) == (2.0, 7.5)
    assert screen_position_mm(grid, Plane.SAGITTAL, voxel) == (2.0, 7.0)


def test_slices_go_through_the_largest_burden_and_name_their_place() -> None:
    grid = grid_around_origin(RAS, (2.0, 2.0, 4.0))
    volumes = volumes_of(grid, block(grid, (-31.0, 11.0, 22.0), 3.0), block(grid, (25.0, -33.0, -14.0), 9.0))
    places = [name_slice_place(volumes.grid, plane, busiest_slice(volumes, plane)) for plane in Plane]
    # Voxel centers lie at even mm, along z at 2 + 4k. The larger block holds I 18, 14, 10; A 36 … 30; L 22 … 28;
    # every slice through it holds as much, so the middle one is taken.
    assert places == ["axial, I 14 mm", "coronal, A 32 mm", "sagittal, L 26 mm"]


def test_without_lesions_the_slices_follow_the_probability_and_without_that_the_head() -> None:
    grid = grid_around_origin(LPS, (3.0, 3.0, 3.0))
    faint = np.where(block(grid, (30.0, 0.0, 0.0), 5.0), 0.2, 0.0).astype(np.float32)
    below = segment_lesions(combine([grid.image(faint)]), threshold=0.4, min_lesion_mm3=0.0)
    image = head(grid, np.zeros(faint.shape, bool))
    index = busiest_slice(DisplayVolumes.of(image, below), Plane.SAGITTAL)
    assert below.lesions == ()
    assert abs(points_lps(grid)[0, 0, index, 0] - 30.0) <= 2.5
    index = busiest_slice(volumes_of(grid), Plane.SAGITTAL)
    assert abs(index - (grid.size[0] - 1) / 2) <= 1


def test_the_overview_is_cropped_to_the_head_and_every_lesion() -> None:
    grid = grid_around_origin(LPS, (2.0, 2.0, 2.0))
    outside = block(grid, (0.0, 0.0, -70.0), 5.0)
    noise = np.random.default_rng(1).uniform(0, 5, grid.size[::-1])
    image = grid.image((noise + np.asarray(sitk.GetArrayFromImage(head(grid, outside)))).astype(np.float32))
    (z_start, z_stop), (y_start, y_stop), (x_start, x_stop) = DisplayVolumes.of(
        image, segmentation_of(grid, outside)
    ).head
    points = points_lps(grid)
    # Half axes of the head: 55, 68 and 60 mm; its tips are too thin to count.
    assert points[0, 0, x_start, 0] == pytest.approx(-54, abs=5)
    assert points[0, 0, x_stop - 1, 0] == pytest.approx(54, abs=5)
    assert points[0, y_start, 0, 1] == pytest.approx(-66, abs=5)
    assert points[0, y_stop - 1, 0, 1] == pytest.approx(66, abs=5)
    assert points[z_start, 0, 0, 2] == -72.0
    assert points[z_stop - 1, 0, 0, 2] == pytest.approx(58, abs=5)


@pytest.mark.parametrize(("degrees", "direction"), [(0.0, CORONAL_SLICES), (12.0, LPS), (12.0, SAGITTAL_SLICES)])
def test_the_tilt_is_the_largest_angle_to_an_anatomical_axis(degrees: float, direction: np.ndarray) -> None:
    volumes = volumes_of(grid_around_origin(turned(direction, degrees), (10.0, 10.0, 10.0)))
    axes = turned(LPS, degrees)
    expected = max(np.degrees(np.arccos(min(1.0, axes[i, i]))) for i in range(3))
    assert volumes.tilt_deg == pytest.approx(expected, abs=1e-4)
    assert (volumes.tilt_deg > 5) == (degrees > 0)


@pytest.mark.parametrize(
    ("spacing_mm", "plane"),
    [
        ((1.0, 1.0, 1.0), Plane.AXIAL),
        ((0.7, 0.7, 3.0), Plane.AXIAL),
        ((3.0, 0.7, 0.7), Plane.SAGITTAL),
        ((0.7, 3.0, 0.7), Plane.CORONAL),
        ((1.2, 1.0, 1.0), Plane.AXIAL),
    ],
)
def test_close_ups_lie_in_the_plane_that_was_acquired(spacing_mm: tuple, plane: Plane) -> None:
    grid = Grid((9, 9, 9), spacing_mm, (0.0, 0.0, 0.0), tuple(LPS.ravel()))
    assert sharpest_plane(grid) is plane


def test_the_gray_window_ignores_the_background_and_always_has_a_width() -> None:
    gray = np.zeros((10, 10, 100), np.float32)
    gray[0, :, :] = np.arange(1, 1001).reshape(10, 100)
    low, high = gray_window(gray)
    assert low == pytest.approx(10.99)  # 1 % of the way from 1 to 1000
    assert high == pytest.approx(999.001)
    for constant in (np.zeros((2, 2, 2)), np.full((2, 2, 2), 7.0)):
        low, high = gray_window(constant)
        assert high > low


def test_an_image_on_another_grid_is_refused_with_a_remedy() -> None:
    grid = grid_around_origin(LPS, (5.0, 5.0, 5.0))
    shifted = Grid(grid.size, grid.spacing_mm, (0.0, 0.0, 0.0), grid.direction)
    segmentation = segmentation_of(grid, np.zeros(grid.size[::-1], bool))
    image: sitk.Image = shifted.image(np.ones(grid.size[::-1], np.float32))
    with pytest.raises(GridMismatch, match="another grid than the reference image"):
        DisplayVolumes.of(image, segmentation)
