"""A validation case as the network of this moment sees it: one slice, with the raters' outlines and with the model's."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np

from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.checkpoint import write_whole
from MSSoftSegLib.training.engine.validation import read_rater_masks

LOGGER = logging.getLogger(__name__)
# Gray values in normalised units (median 0, spread 1) that show tissue well.
WINDOW = (-4.0, 4.0)
MARGIN_VOXELS = 4
RATER_COLOR, MODEL_COLOR = "#56b4e9", "#ff9f1c"
LOWEST_SHOWN = 0.05


def draw_validation(path: Path, case: PreparedCase, predicted: np.ndarray, *, threshold: float, title: str) -> None:
    """Write the picture; the one before is replaced. No training ends for want of a picture.

    predicted: probability (z, y, x) on the working grid, whose axes run to L, P, S: the front is up, the patient's left on
    the right. The model's outline is at the threshold.
    """
    from matplotlib.figure import Figure

    truth, found = np.any(read_rater_masks(case), axis=0), predicted >= threshold
    level = _level(truth, found, case.brain())
    rows, columns = _box(case.brain())
    gray = case.images()[0, level, rows, columns]
    height, width = gray.shape
    figure = Figure(figsize=(3.6, 1.8 * height / width + 0.3), facecolor="black")
    outlines = ((truth, RATER_COLOR, "raters"), (found, MODEL_COLOR, "model"))
    for place, (mask, color, whose) in enumerate(outlines):
        axes = figure.add_subplot(1, 2, place + 1)
        axes.imshow(gray, cmap="gray", vmin=WINDOW[0], vmax=WINDOW[1], interpolation="bilinear")
        if place == 1:
            shown = np.ma.masked_less(predicted[level, rows, columns], LOWEST_SHOWN)
            axes.imshow(shown, cmap="autumn", vmin=0, vmax=1, alpha=0.6)
        outline = mask[level, rows, columns]
        if outline.any():
            axes.contour(outline.astype(float), levels=[0.5], colors=color, linewidths=1.0)
        axes.set_axis_off()
        axes.text(0.02, 0.02, whose, color=color, fontsize=8, transform=axes.transAxes)
    figure.suptitle(title, color="white", fontsize=7, y=0.985)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.88, 0.01, 0.01)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=200)
    try:
        write_whole(path, picture.getbuffer())
    except OSError as problem:
        LOGGER.warning("the picture of a validation case could not be written: %s", problem.strerror)


def _level(truth: np.ndarray, found: np.ndarray, brain: np.ndarray) -> int:
    """The axial slice with the most drawn, else with the most found, else the middle of the brain."""
    for volume in (truth, found, brain):
        if volume.any():
            return int(volume.sum(axis=(1, 2)).argmax())
    return len(brain) // 2


def _box(brain: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold the brain, with a margin."""
    shadow: np.ndarray = np.any(brain, axis=0)
    if not shadow.any():
        return slice(None), slice(None)
    return _span(np.any(shadow, axis=1)), _span(np.any(shadow, axis=0))


def _span(held: Any) -> slice:
    """From the first to the last, with a margin."""
    places = np.flatnonzero(held)
    return slice(max(0, int(places[0]) - MARGIN_VOXELS), int(places[-1]) + 1 + MARGIN_VOXELS)
