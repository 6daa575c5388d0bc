"""A picture gallery of synthetic patients: one row each, FLAIR, T1, T2, and the soft label on FLAIR."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from MSSoftSegLib.report.panel import render_png

# Gray values in normalised units (median 0, spread 1) that show tissue well on each modality.
WINDOWS = ((-4.0, 4.0), (-4.0, 2.0), (-2.0, 6.0))
TITLES = ("FLAIR", "T1", "T2", "label on FLAIR")
INCHES = 1.6


def draw_gallery(patients: Sequence[tuple[np.ndarray, np.ndarray]]) -> bytes:
    """PNG of one axial slice per patient, the one with the most lesion; the front is up.

    Each patient is images (3, z, y, x), normalised, in LPS order, and soft label (z, y, x).
    """
    figure = Figure(figsize=(INCHES * len(TITLES), INCHES * 1.15 * len(patients)), facecolor="black")
    for row, (images, label) in enumerate(patients):
        level = int(label.sum(axis=(1, 2)).argmax())
        for column, title in enumerate(TITLES):
            axes = figure.add_subplot(len(patients), len(TITLES), row * len(TITLES) + column + 1)
            channel = column % 3
            low, high = WINDOWS[channel]
            axes.imshow(images[channel, level], cmap="gray", vmin=low, vmax=high)
            if column == len(TITLES) - 1:
                soft = label[level]
                axes.imshow(soft, cmap="autumn", vmin=0, vmax=1, alpha=(soft > 0.02) * 0.75)
            axes.set_axis_off()
            if row == 0:
                axes.set_title(title, color="white", fontsize=7)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.97, 0.03, 0.03)
    return render_png(figure)
