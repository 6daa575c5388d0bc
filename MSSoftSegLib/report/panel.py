"""One displayed slice: gray image, outline, color overlay, border letters.

Coordinates are mm from the upper left corner of the slice.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from MSSoftSegLib.report.planes import (
    BORDERS,
    LOWEST_SHOWN_PROBABILITY,
    DisplayVolumes,
    Plane,
    screen_slice,
    screen_spacing_mm,
)

PAPER = "#000000"
INK = "#e8eaed"
OUTLINE = "#ff9f1c"
OVERLAY_OPACITY = 0.85
SHADOW = [withStroke(linewidth=1.4, foreground=PAPER)]


@dataclass(frozen=True)
class FigurePanel:
    """One slice of the volumes on one set of axes."""

    axes: Axes
    volumes: DisplayVolumes
    plane: Plane
    index: int

    def show_gray(self) -> None:
        """The reference image in its window; bilinear between voxel centers, as viewers show it."""
        low, high = self.volumes.window
        self.axes.set_axis_off()
        self.axes.imshow(
            self.slice_of(self.volumes.gray),
            cmap="gray",
            vmin=low,
            vmax=high,
            extent=self._extent_mm(),
            interpolation="bilinear",
            aspect="equal",
        )

    def show_map(self, array: np.ndarray, colors: Colormap, largest: float) -> None:
        """Color overlay of an array (z, y, x), 0 to largest, where the probability is worth showing."""
        hidden = self.slice_of(self.volumes.probability) < LOWEST_SHOWN_PROBABILITY
        self.axes.imshow(
            np.ma.masked_array(self.slice_of(array), hidden),
            cmap=colors,
            vmin=0.0,
            vmax=largest,
            alpha=OVERLAY_OPACITY,
            extent=self._extent_mm(),
            interpolation="nearest",
            aspect="equal",
        )

    def show_outline(self, mask: np.ndarray, *, width: float, color: str = OUTLINE) -> None:
        """The border of this slice's mask (row, column) along its voxel edges."""
        segments = outline_segments(mask, *screen_spacing_mm(self.volumes.grid, self.plane))
        self.axes.add_collection(
            LineCollection(list(segments), colors=color, linewidths=width, capstyle="projecting"), autolim=False
        )

    def show_borders(self, *, size: float) -> None:
        """Letters at the four borders: which side of the patient is where."""
        borders = BORDERS[self.plane]
        for letter, x, y, horizontal, vertical in (
            (borders.top, 0.5, 0.985, "center", "top"),
            (borders.bottom, 0.5, 0.015, "center", "bottom"),
            (borders.left, 0.015, 0.5, "left", "center"),
            (borders.right, 0.985, 0.5, "right", "center"),
        ):
            self.write(letter, x, y, size=size, horizontal=horizontal, vertical=vertical)

    def write(self, text: str, x: float, y: float, *, size: float, horizontal: str, vertical: str) -> None:
        """Text at a fraction of the panel's width and height from its lower left corner."""
        self.axes.text(
            x,
            y,
            text,
            transform=self.axes.transAxes,
            color=INK,
            fontsize=size,
            ha=horizontal,
            va=vertical,
            path_effects=SHADOW,
        )

    def look_at(self, center_mm: tuple[float, float], height_mm: float, width_mm: float) -> None:
        """Show this field of view around a point (from the top, from the left); black where it leaves the image."""
        top, left = center_mm[0] - height_mm / 2, center_mm[1] - width_mm / 2
        self.axes.set_ylim(top + height_mm, top)
        self.axes.set_xlim(left, left + width_mm)

    def slice_of(self, array: np.ndarray) -> np.ndarray:
        """This panel's slice (row, column) of an array (z, y, x)."""
        return screen_slice(array, self.plane, self.index)

    def _extent_mm(self) -> tuple[float, float, float, float]:
        rows, columns = self.slice_of(self.volumes.gray).shape
        row_mm, column_mm = screen_spacing_mm(self.volumes.grid, self.plane)
        return 0.0, columns * column_mm, rows * row_mm, 0.0


def outline_segments(mask: np.ndarray, row_mm: float, column_mm: float) -> np.ndarray:
    """Voxel edges between inside and outside of a mask (row, column), as (n, 2, 2): start and end, x and y in mm."""
    padded = np.pad(mask.astype(bool), 1)
    row, column = np.nonzero(padded[1:] != padded[:-1])
    along_x = np.stack([[column - 1, row], [column, row]])
    row, column = np.nonzero(padded[:, 1:] != padded[:, :-1])
    along_y = np.stack([[column, row - 1], [column, row]])
    segments = np.concatenate([along_x, along_y], axis=2).transpose(2, 0, 1)
    return segments * np.array([column_mm, row_mm])


def make_figure(width_px: int, height_px: int, dpi: int) -> Figure:
    """An empty figure of this size with its own canvas: no window, no global state."""
    figure = Figure(figsize=(width_px / dpi, height_px / dpi), dpi=dpi, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def render_png(figure: Figure) -> bytes:
    """The figure as a PNG file without metadata (matplotlib would write an address)."""
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format="png",
        dpi=figure.dpi,
        facecolor=figure.get_facecolor(),
        metadata={"Software": None},
        pil_kwargs={"compress_level": 6},
    )
    return buffer.getvalue()
