"""A small picture of one exam for the contact sheet: the slice with most lesion, lesions outlined."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from MSSoftSegLib.exam.geometry import Grid, orient_canonically, voxels
from MSSoftSegLib.exam.image_file import read_image, read_map, read_mask
from MSSoftSegLib.report.panel import FigurePanel, make_figure, render_png
from MSSoftSegLib.report.planes import (
    DisplayVolumes,
    busiest_slice,
    gray_window,
    head_box,
    screen_position_mm,
    sharpest_plane,
)
from MSSoftSegLib.result_files import MASK_FILE, PROBABILITY_FILE

SIDE_PX = 220
DPI = 100
# What is shown around the head.
FIELD_OF_VIEW_MM = 240.0


def draw_thumbnail(reference: Path, result: Path) -> bytes:
    """PNG of the sharpest plane's busiest slice. reference: the image whose grid the result lies on."""
    image = read_image(reference)
    upright = orient_canonically(image)
    gray = voxels(upright).astype(np.float32)
    mask = voxels(orient_canonically(read_mask(result / MASK_FILE, like=image)))
    probability = voxels(orient_canonically(read_map(result / PROBABILITY_FILE, like=image)))
    window = gray_window(gray)
    volumes = DisplayVolumes(
        grid=Grid.of(upright),
        gray=gray,
        instances=mask,
        probability=probability,
        entropy=np.zeros((1, 1, 1), np.float32),
        window=window,
        head=head_box(gray, mask, window),
    )
    plane = sharpest_plane(volumes.grid)
    figure = make_figure(SIDE_PX, SIDE_PX, DPI)
    panel = FigurePanel(figure.add_axes((0, 0, 1, 1)), volumes, plane, busiest_slice(volumes, plane))
    panel.show_gray()
    panel.show_outline(panel.slice_of(mask) > 0, width=0.7)
    center = np.array([(start + stop - 1) / 2 for start, stop in volumes.head])
    panel.look_at(screen_position_mm(volumes.grid, plane, center), FIELD_OF_VIEW_MM, FIELD_OF_VIEW_MM)
    panel.show_borders(size=7)
    return render_png(figure)
