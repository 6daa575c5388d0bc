"""The report's pictures as PNG bytes: three planes through the lesions, and a close-up of single lesions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import ndimage

from MSSoftSegLib.lesion.uncertainty import LARGEST_ENTROPY_NATS
from MSSoftSegLib.report.panel import INK, FigurePanel, make_figure, render_png
from MSSoftSegLib.report.planes import (
    NORMAL_AXIS,
    DisplayVolumes,
    Plane,
    busiest_slice,
    name_slice_place,
    screen_position_mm,
    sharpest_plane,
    sort_planes,
)

# Perceptually uniform, and distinct from each other where both are on one page.
PROBABILITY_COLORS = colormaps["viridis"]
ENTROPY_COLORS = colormaps["plasma"]

OVERVIEW_COLUMNS = ("FLAIR", "lesion outline", "probability", "entropy")
OVERVIEW_WIDTH_PX = 1760
OVERVIEW_DPI = 160
HEADING_PX = 44
COLOR_BAR_PX = 96
GAP_PX = 12
SCALE_BAR_MM = 50
MARGIN_MM = 4.0

CLOSE_UP_MM = 60.0
CLOSE_UP_PX = 240


@dataclass(frozen=True)
class OverviewLayout:
    """Where each panel lies in the overview, in pixels from the upper left corner: (left, top, width, height)."""

    width_px: int
    height_px: int
    px_per_mm: float
    panels: Mapping[tuple[Plane, int], tuple[float, float, float, float]]


def lay_out_overview(volumes: DisplayVolumes) -> OverviewLayout:
    """Rows of the planes, that of acquisition first; four columns; one scale in mm for all panels."""
    height_mm, depth_mm, width_mm = _head_size_mm(volumes)
    columns = len(OVERVIEW_COLUMNS)
    panel_px = (OVERVIEW_WIDTH_PX - (columns + 1) * GAP_PX) / columns
    px_per_mm = panel_px / max(width_mm, depth_mm)
    top, panels = float(HEADING_PX), {}
    for plane in sort_planes(volumes.grid):
        rows_mm = depth_mm if plane is Plane.AXIAL else height_mm
        for column in range(columns):
            left = GAP_PX + column * (panel_px + GAP_PX)
            panels[plane, column] = (left, top, panel_px, rows_mm * px_per_mm)
        top += rows_mm * px_per_mm + GAP_PX
    return OverviewLayout(OVERVIEW_WIDTH_PX, round(top + COLOR_BAR_PX), px_per_mm, panels)


def draw_overview(volumes: DisplayVolumes, *, reference_name: str = OVERVIEW_COLUMNS[0]) -> bytes:
    """Three planes × (image alone, lesion outline, probability, entropy), through the slices with most lesion."""
    layout = lay_out_overview(volumes)
    figure = make_figure(layout.width_px, layout.height_px, OVERVIEW_DPI)
    for plane in Plane:
        index = busiest_slice(volumes, plane)
        for column in range(len(OVERVIEW_COLUMNS)):
            _draw_overview_panel(figure, layout, volumes, plane, index, column)
    for column, name in enumerate((reference_name, *OVERVIEW_COLUMNS[1:])):
        left, top, width, _ = layout.panels[sort_planes(volumes.grid)[0], column]
        x, y = (left + width / 2) / layout.width_px, 1 - top / 2 / layout.height_px
        figure.text(x, y, name, color=INK, fontsize=10, ha="center", va="center")
    _draw_color_bars(figure, layout)
    _draw_scale_bar(figure, layout)
    return render_png(figure)


def draw_close_up(volumes: DisplayVolumes, lesion_id: int) -> bytes:
    """60 mm around one lesion in the plane with the finest voxels: the image alone, and with the lesion's outline."""
    box = ndimage.find_objects(volumes.instances, max_label=lesion_id)[lesion_id - 1]
    if box is None:
        raise ValueError(f"there is no lesion {lesion_id}")
    inside = np.argwhere(volumes.instances[box] == lesion_id) + [axis.start for axis in box]
    plane = sharpest_plane(volumes.grid)
    normal = NORMAL_AXIS[plane]
    index = int(np.bincount(inside[:, normal]).argmax())
    center_mm = screen_position_mm(volumes.grid, plane, inside[inside[:, normal] == index].mean(axis=0))
    figure = make_figure(2 * CLOSE_UP_PX + 4, CLOSE_UP_PX, OVERVIEW_DPI)
    share = CLOSE_UP_PX / (2 * CLOSE_UP_PX + 4)
    for column, left in enumerate((0.0, 1 - share)):
        panel = FigurePanel(figure.add_axes((left, 0.0, share, 1.0)), volumes, plane, index)
        panel.show_gray()
        if column == 1:
            here = panel.slice_of(volumes.instances)
            panel.show_outline((here > 0) & (here != lesion_id), width=0.5, color=INK)
            panel.show_outline(here == lesion_id, width=0.7)
        panel.look_at(center_mm, CLOSE_UP_MM, CLOSE_UP_MM)
        if column == 0:
            panel.show_borders(size=7)
    return render_png(figure)


def _head_size_mm(volumes: DisplayVolumes) -> tuple[float, ...]:
    """Height, depth and width of what the overview shows."""
    spacing_zyx = volumes.grid.spacing_mm[::-1]
    return tuple(
        (stop - start) * mm + 2 * MARGIN_MM for (start, stop), mm in zip(volumes.head, spacing_zyx, strict=True)
    )


def _draw_overview_panel(
    figure: Figure, layout: OverviewLayout, volumes: DisplayVolumes, plane: Plane, index: int, column: int
) -> None:
    left, top, width, height = layout.panels[plane, column]
    bottom = layout.height_px - top - height
    place = (left / layout.width_px, bottom / layout.height_px, width / layout.width_px, height / layout.height_px)
    panel = FigurePanel(figure.add_axes(place), volumes, plane, index)
    panel.show_gray()
    if column == 1:
        panel.show_outline(panel.slice_of(volumes.instances) > 0, width=0.8)
        if not volumes.instances.any():
            panel.write("no lesion", 0.5, 0.08, size=8, horizontal="center", vertical="bottom")
    elif column == 2:
        panel.show_map(volumes.probability, PROBABILITY_COLORS, 1.0)
    elif column == 3:
        panel.show_map(volumes.entropy, ENTROPY_COLORS, LARGEST_ENTROPY_NATS)
    center = np.array([(start + stop - 1) / 2 for start, stop in volumes.head])
    panel.look_at(screen_position_mm(volumes.grid, plane, center), height / layout.px_per_mm, width / layout.px_per_mm)
    panel.show_borders(size=8)
    if column == 0:
        place_text = name_slice_place(volumes.grid, plane, index)
        panel.write(place_text, 0.015, 0.015, size=7, horizontal="left", vertical="bottom")


def _draw_color_bars(figure: Figure, layout: OverviewLayout) -> None:
    """One bar under each overlay column, with its unit."""
    for column, colors, largest, ticks, title in (
        (2, PROBABILITY_COLORS, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), "lesion probability (0–1)"),
        (3, ENTROPY_COLORS, LARGEST_ENTROPY_NATS, (0.0, 0.2, 0.4, 0.6), "entropy (nats, at most ln 2 = 0.693)"),
    ):
        left, _, width, _ = layout.panels[Plane.SAGITTAL, column]
        bar = figure.add_axes(
            (
                (left + 0.06 * width) / layout.width_px,
                (COLOR_BAR_PX - 34) / layout.height_px,
                0.88 * width / layout.width_px,
                16 / layout.height_px,
            )
        )
        color_bar = figure.colorbar(
            ScalarMappable(Normalize(0.0, largest), colors), cax=bar, orientation="horizontal", ticks=list(ticks)
        )
        color_bar.outline.set_visible(False)
        bar.tick_params(colors=INK, labelsize=7, length=3, pad=2)
        bar.set_xlabel(title, color=INK, fontsize=7.5, labelpad=2)


def _draw_scale_bar(figure: Figure, layout: OverviewLayout) -> None:
    """A length under the first column; it holds for every panel."""
    left, _, width, _ = layout.panels[Plane.SAGITTAL, 0]
    length_mm = SCALE_BAR_MM if SCALE_BAR_MM * layout.px_per_mm < 0.9 * width else SCALE_BAR_MM // 10
    start, half = left + width / 2, length_mm * layout.px_per_mm / 2
    y = (COLOR_BAR_PX - 26) / layout.height_px
    ends = [(start - half) / layout.width_px, (start + half) / layout.width_px]
    figure.add_artist(Line2D(ends, [y, y], color=INK, linewidth=1.5))
    figure.text(
        start / layout.width_px,
        y - 8 / layout.height_px,
        f"{length_mm} mm",
        color=INK,
        fontsize=7.5,
        ha="center",
        va="top",
    )
