"""The pictures, read back pixel by pixel: side, proportion and place of what was painted into the patient."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from MSSoftSegLib.report.figures import CLOSE_UP_MM, CLOSE_UP_PX, draw_close_up, draw_overview, lay_out_overview
from MSSoftSegLib.report.panel import outline_segments
from MSSoftSegLib.report.planes import DisplayVolumes, Plane
from Testing.MSSoftSegLib.report.made_up import (
    CORONAL_SLICES,
    LEFT_FRONT_TOP,
    LPS,
    RAS,
    SAGITTAL_SLICES,
    block,
    grid_around_origin,
    head,
    segmentation_of,
    turned,
)

OUTLINE, PROBABILITY, ENTROPY = 1, 2, 3


def pixels(png: bytes) -> np.ndarray:
    """(row, column, 3), 0–255."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def colored(picture: np.ndarray) -> np.ndarray:
    """Pixels that are not gray: overlays and outlines; letters are gray."""
    return picture.max(axis=-1) - picture.min(axis=-1) > 60


def panel_of(picture: np.ndarray, volumes: DisplayVolumes, plane: Plane, column: int) -> np.ndarray:
    left, top, width, height = (round(v) for v in lay_out_overview(volumes).panels[plane, column])
    return picture[top : top + height, left : left + width]


def side_of(mask: np.ndarray) -> tuple[float, float]:
    """Middle of the true pixels from the middle of the picture, down and right, as a fraction of its size."""
    row, column = np.nonzero(mask)
    return row.mean() / mask.shape[0] - 0.5, column.mean() / mask.shape[1] - 0.5


def size_of(mask: np.ndarray) -> tuple[int, int]:
    row, column = np.nonzero(mask)
    return int(np.ptp(row)) + 1, int(np.ptp(column)) + 1


@pytest.mark.parametrize(
    ("direction", "spacing_mm"),
    [
        (turned(LPS, 11), (2.0, 2.0, 5.0)),
        (turned(RAS, 11), (2.0, 2.0, 5.0)),
        (turned(SAGITTAL_SLICES, 11), (2.0, 2.0, 5.0)),
        (turned(CORONAL_SLICES, -11), (2.0, 2.5, 5.0)),
    ],
    ids=["axial, stored LPS", "axial, stored RAS", "sagittal", "coronal"],
)
def test_what_lies_left_in_front_and_on_top_appears_right_and_up(direction: np.ndarray, spacing_mm: tuple) -> None:
    grid = grid_around_origin(direction, spacing_mm)
    lesion = block(grid, LEFT_FRONT_TOP, 16.0)
    volumes = DisplayVolumes.of(head(grid, lesion), segmentation_of(grid, lesion))
    picture = pixels(draw_overview(volumes))
    for column in (OUTLINE, PROBABILITY, ENTROPY):
        down, right = side_of(colored(panel_of(picture, volumes, Plane.AXIAL, column)))
        assert down < -0.1, "front is up"
        assert right > 0.05, "the patient's left is on the right"
        down, right = side_of(colored(panel_of(picture, volumes, Plane.CORONAL, column)))
        assert down < -0.05, "top is up"
        assert right > 0.05, "the patient's left is on the right"
        down, right = side_of(colored(panel_of(picture, volumes, Plane.SAGITTAL, column)))
        assert down < -0.05, "top is up"
        assert right < -0.1, "front is on the left"


@pytest.mark.parametrize("plane", list(Plane))
def test_the_overlay_lies_on_the_bright_voxels_of_the_image(plane: Plane) -> None:
    grid = grid_around_origin(turned(SAGITTAL_SLICES, 8), (1.5, 2.0, 4.0))
    lesion = block(grid, LEFT_FRONT_TOP, 16.0)
    volumes = DisplayVolumes.of(head(grid, lesion), segmentation_of(grid, lesion))
    picture = pixels(draw_overview(volumes))
    alone = panel_of(picture, volumes, plane, 0)
    inner = np.zeros(alone.shape[:2], bool)
    margin = alone.shape[0] // 8  # letters stand at the borders
    inner[margin:-margin, margin:-margin] = True
    painted = side_of(colored(panel_of(picture, volumes, plane, PROBABILITY)))
    assert painted == pytest.approx(side_of((alone.mean(axis=-1) > 150) & inner), abs=0.01)


def test_a_cube_is_as_wide_as_high_in_every_plane_of_thick_slices() -> None:
    grid = grid_around_origin(RAS, (1.0, 2.0, 4.0), 152.0)
    lesion = np.zeros(grid.size[::-1], bool)
    lesion[20:25, 40:50, 80:100] = True  # 20 mm each way
    volumes = DisplayVolumes.of(head(grid, lesion), segmentation_of(grid, lesion))
    layout = lay_out_overview(volumes)
    picture = pixels(draw_overview(volumes))
    for plane in Plane:
        size = size_of(colored(panel_of(picture, volumes, plane, PROBABILITY)))
        assert size == pytest.approx((20 * layout.px_per_mm, 20 * layout.px_per_mm), abs=2)


def test_a_close_up_shows_60_mm_around_its_lesion_and_its_neighbor_on_the_patients_left_to_the_right() -> None:
    grid = grid_around_origin(turned(RAS, 9), (1.0, 1.0, 3.0), 120.0)
    lesion, neighbor = block(grid, (-10.0, 5.0, 0.0), 9.0), block(grid, (8.0, 5.0, 0.0), 6.0)
    volumes = DisplayVolumes.of(head(grid, lesion | neighbor), segmentation_of(grid, lesion, neighbor))
    picture = pixels(draw_close_up(volumes, 1))
    assert picture.shape[0] == CLOSE_UP_PX
    alone, outlined = picture[:, :CLOSE_UP_PX], picture[:, -CLOSE_UP_PX:]
    assert not colored(alone).any()
    assert side_of(colored(outlined)) == pytest.approx((0.0, 0.0), abs=0.02)
    bright = outlined.mean(axis=-1) > 170
    bright[:, : CLOSE_UP_PX // 2 + 40] = False
    _, right = side_of(bright)
    assert right * CLOSE_UP_MM == pytest.approx(18.0, abs=2.5)


def test_a_close_up_at_the_border_of_the_image_is_black_outside_and_still_centered() -> None:
    grid = grid_around_origin(LPS, (2.0, 2.0, 2.0), 80.0)
    lesion = np.zeros(grid.size[::-1], bool)
    lesion[20, 0:3, 0:3] = True  # front right corner
    volumes = DisplayVolumes.of(grid.image(np.full(lesion.shape, 50.0, np.float32)), segmentation_of(grid, lesion))
    outlined = pixels(draw_close_up(volumes, 1))[:, -CLOSE_UP_PX:]
    assert side_of(colored(outlined)) == pytest.approx((0.0, 0.0), abs=0.02)
    assert outlined[: CLOSE_UP_PX // 3, :].max() == 0
    assert outlined[:, : CLOSE_UP_PX // 3].max() == 0


def test_a_lesion_that_is_not_there_is_refused() -> None:
    grid = grid_around_origin(LPS, (10.0, 10.0, 10.0))
    lesion = block(grid, (0.0, 0.0, 0.0), 25.0)
    volumes = DisplayVolumes.of(head(grid, lesion), segmentation_of(grid, lesion))
    with pytest.raises(ValueError, match="no lesion 2"):
        draw_close_up(volumes, 2)


@pytest.mark.parametrize("level", [0.0, 40.0])
def test_without_lesions_nothing_is_painted_but_the_words_and_the_color_bars(level: float) -> None:
    grid = grid_around_origin(LPS, (5.0, 5.0, 5.0))
    nothing = np.zeros(grid.size[::-1], bool)
    image = grid.image(np.full(nothing.shape, level, np.float32))
    volumes = DisplayVolumes.of(image, segmentation_of(grid, nothing))
    picture = pixels(draw_overview(volumes))
    for plane in Plane:
        plain = panel_of(picture, volumes, plane, PROBABILITY)
        worded = panel_of(picture, volumes, plane, OUTLINE)
        assert not colored(plain).any()
        assert (plain != worded).any(), "“no lesion at this threshold” is written"
    assert colored(picture).any(), "color bars"


def test_an_outline_runs_along_the_edges_of_the_voxels() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1, 2:4] = True  # 2 mm high, 2 × 3 mm wide
    segments = outline_segments(mask, 2.0, 3.0)
    length_mm = np.abs(segments[:, 1] - segments[:, 0]).sum()
    assert length_mm == 2 * (2.0 + 6.0)
    assert segments.reshape(-1, 2).min(axis=0).tolist() == [6.0, 2.0]
    assert segments.reshape(-1, 2).max(axis=0).tolist() == [12.0, 4.0]
    assert outline_segments(np.zeros((3, 3), bool), 1.0, 1.0).shape == (0, 2, 2)


def test_a_mask_that_fills_its_slice_is_outlined_at_the_border_of_the_slice() -> None:
    segments = outline_segments(np.ones((2, 3), bool), 1.0, 1.0)
    assert np.abs(segments[:, 1] - segments[:, 0]).sum() == 2 * (2 + 3)
