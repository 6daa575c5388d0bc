"""The page's pictures: before, after and subtraction side by side in the space between, and volumes over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from MSSoftSegLib.change.classes import ChangeClass
from MSSoftSegLib.change.comparison import Comparison, LesionChange
from MSSoftSegLib.change.faint import SPREAD_DIFFERENCE
from MSSoftSegLib.change.history import LesionHistory
from MSSoftSegLib.report.chart import BLUE, GRAY, VERMILION, make_chart
from MSSoftSegLib.report.panel import INK, make_figure, outline_segments, render_png
from MSSoftSegLib.report.panel import PAPER as BLACK

# Blue less, red more; what did not change is pale.
SUBTRACTION_COLORS = colormaps["coolwarm"]
SUBTRACTION_SD = 6.0
GRAY_WINDOW = (-4.5, 5.0)
# Okabe and Ito 2008, as in the charts; not decidable is gray.
CLASS_COLORS = {
    ChangeClass.NEW: "#D55E00",
    ChangeClass.ENLARGING: "#E69F00",
    ChangeClass.MERGED: "#F0E442",
    ChangeClass.STABLE: "#cfd3d8",
    ChangeClass.SPLIT: "#56B4E9",
    ChangeClass.SHRINKING: "#009E73",
    ChangeClass.RESOLVED: "#0072B2",
    ChangeClass.NOT_DECIDABLE: "#CC79A7",
}
TITLES = ("before", "after", "after − before")
DPI = 130
OVERVIEW_PX, CLOSE_UP_PX, CLOSE_UP_MM = 330, 190, 50.0
MARGIN_MM = 4


def overview_png(comparison: Comparison) -> bytes:
    """Three slices that hold most of what is said to have changed, in three columns; outlines by class."""
    brain = np.argwhere(comparison.midpoint.compared)
    (_, top, left), (_, bottom, right) = brain.min(axis=0) - MARGIN_MM, brain.max(axis=0) + MARGIN_MM
    rows = _busiest(comparison)
    width, height = OVERVIEW_PX, round(OVERVIEW_PX * (bottom - top) / (right - left))
    figure = make_figure(3 * width, 26 + len(rows) * height, DPI)
    for row, index in enumerate(rows):
        for column in range(3):
            low = 1 - (26 + (row + 1) * height) / (26 + len(rows) * height)
            axes = figure.add_axes((column / 3, low, 0.995 / 3, 0.99 * height / (26 + len(rows) * height)))
            _draw(axes, comparison, index, column, outlined=column < 2)
            axes.set_xlim(left, right)
            axes.set_ylim(bottom, top)
            if row == 0:
                names = (comparison.before.name, comparison.after.name, TITLES[2])
                axes.set_title(names[column], color=INK, fontsize=9, pad=3)
            if column == 0:
                axes.text(left + 2, bottom - 3, _place(comparison, index), color=INK, fontsize=6)
    return render_png(figure)


def close_up_png(comparison: Comparison, row: LesionChange) -> bytes:
    """50 mm around one group: before, after, subtraction, through the slice where it is largest, or where one place changed."""
    inside = comparison.owner == row.group.id
    index = int(inside.sum(axis=(1, 2)).argmax())
    places = np.argwhere(inside[index])
    y, x = places.mean(axis=0) if len(places) else np.zeros(2)
    if row.decision.is_local:
        z, y, x = row.evidence.focus_place
        index = round(z)
    figure = make_figure(3 * CLOSE_UP_PX + 8, CLOSE_UP_PX, DPI)
    for column in range(3):
        axes = figure.add_axes((column / 3 + 0.002, 0, 0.329, 1))
        _draw(axes, comparison, index, column, outlined=column < 2)
        axes.set_xlim(x - CLOSE_UP_MM / 2, x + CLOSE_UP_MM / 2)
        axes.set_ylim(y + CLOSE_UP_MM / 2, y - CLOSE_UP_MM / 2)
    return render_png(figure)


def volumes_png(names: Sequence[str], volumes_ml: Sequence[float], histories: Sequence[LesionHistory]) -> bytes:
    """Lesion volume of every visit, and the single lesions' behind it (those of more than 10 mm³)."""
    figure, axes = make_chart("Lesion volume over the visits", x="visit", y="all lesions (ml)")
    places = np.arange(len(names))
    axes.plot(places, volumes_ml, color=VERMILION, marker="o", linewidth=2.2, label="all lesions")
    axes.set_ylim(bottom=0)
    axes.set_xticks(places, names)
    second = axes.twinx()
    for history in histories:
        if max(history.volumes_mm3) > 10:
            changed = any(set(words) - {"stable", "not decidable"} for words in history.words)
            second.plot(places, history.volumes_mm3, color=BLUE if changed else GRAY, linewidth=0.8, alpha=0.6)
    second.set_ylabel("single lesions (mm³, logarithmic); blue: changed", fontsize=10)
    second.set_yscale("symlog", linthresh=10)
    second.set_ylim(bottom=0)
    axes.set_zorder(second.get_zorder() + 1)
    axes.patch.set_visible(False)
    return render_png(figure)


def _draw(axes: Axes, comparison: Comparison, index: int, column: int, *, outlined: bool) -> None:
    midpoint = comparison.midpoint
    axes.set_axis_off()
    axes.set_facecolor(BLACK)
    if column == 2:
        shown = np.ma.masked_array(midpoint.matched.z[index], ~midpoint.compared[index])
        axes.imshow(shown, cmap=SUBTRACTION_COLORS, vmin=-SUBTRACTION_SD, vmax=SUBTRACTION_SD, interpolation="bilinear")
        return
    side = (midpoint.before, midpoint.after)[column]
    shown = np.ma.masked_array(side.flair[index], side.brain[index] < 0.5)
    axes.imshow(shown, cmap="gray", vmin=GRAY_WINDOW[0], vmax=GRAY_WINDOW[1], interpolation="bilinear")
    if outlined:
        threshold = (comparison.before, comparison.after)[column].threshold
        _outline(axes, comparison, side.probability[index], threshold, index)


def _outline(axes: Axes, comparison: Comparison, probability: np.ndarray, threshold: float, index: int) -> None:
    owner = comparison.owner[index]
    for row in comparison.changes:
        least = SPREAD_DIFFERENCE if row.group.is_faint else threshold
        own = (probability >= least) & (owner == row.group.id)
        if own.any():
            segments = outline_segments(own, 1.0, 1.0) - 0.5
            color = CLASS_COLORS[row.change]
            axes.add_collection(LineCollection(list(segments), colors=color, linewidths=0.9), autolim=False)


def _busiest(comparison: Comparison) -> list[int]:
    """Up to three slices, at least 8 mm apart: those with most change, then those with most lesion."""
    changed = [row.group.id for row in comparison.changes if row.change not in (ChangeClass.STABLE,)]
    lesion = np.maximum(comparison.midpoint.before.probability, comparison.midpoint.after.probability) >= 0.5
    difference = np.abs(comparison.midpoint.after.probability - comparison.midpoint.before.probability)
    weight = (difference * np.isin(comparison.owner, changed)).sum(axis=(1, 2)) * 1000 + lesion.sum(axis=(1, 2))
    weight = weight + 1e-6 * comparison.midpoint.compared.sum(axis=(1, 2))
    chosen: list[int] = []
    for index in np.argsort(-weight):
        if all(abs(int(index) - other) >= 8 for other in chosen):
            chosen.append(int(index))
        if len(chosen) == 3:
            break
    return sorted(chosen, reverse=True)


def _place(comparison: Comparison, index: int) -> str:
    z_mm = comparison.midpoint.grid.origin_mm[2] + index * comparison.midpoint.grid.spacing_mm[2]
    return f"axial, {'S' if z_mm >= 0 else 'I'} {abs(z_mm):.0f} mm"
