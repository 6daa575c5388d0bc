"""How real synthetic images look, in numbers: sharpness, noise, tails and contrast, beside those of real exams.

All are measured on normalised images (median and interquartile range inside the brain), at 1 mm, well inside the brain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage, stats

RIM_VOXELS = 4
TAILS_PERCENT = (1, 5, 95, 99)


@dataclass(frozen=True)
class Look:
    """sharpness: SD of the Laplacian over the SD of the image. across, along, beside: SD of second differences along z, y, x
    over the SD of the image (thick slices are smooth across). tails: percentiles 1, 5, 95, 99 in normalised units."""

    sharpness: float
    across: float
    along: float
    beside: float
    tail_1: float
    tail_5: float
    tail_95: float
    tail_99: float


def measure_look(image: np.ndarray) -> Look:
    """The look of one normalised image (z, y, x), exactly 0 outside the brain.

    Raises ValueError where there is too little brain to measure.
    """
    brain = image != 0
    inner = ndimage.binary_erosion(brain, iterations=RIM_VOXELS)
    if int(inner.sum()) < 1000:
        raise ValueError("the image holds too little brain to measure")
    spread = float(image[brain].std())
    differences = [_second_difference(image, axis)[inner].std() / spread for axis in range(3)]
    sharpness = ndimage.laplace(image)[inner].std() / spread
    tails = np.percentile(image[inner], TAILS_PERCENT)
    return Look(float(sharpness), *(float(value) for value in (*differences, *tails)))


def histogram_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Wasserstein distance of two normalised images' values inside the brain, in normalised units."""
    return float(stats.wasserstein_distance(_sampled(first), _sampled(second)))


def render_realism_table(
    synthetic: Mapping[str, Sequence[np.ndarray]], real: Mapping[str, Sequence[np.ndarray]]
) -> str:
    """Markdown: for each modality and measure, the range of the real images and the 10th, 50th and 90th percentile of the
    synthetic ones, and how far the histograms lie apart: synthetic from real beside real from real."""
    lines = ["| image | measure | real (n), lowest to highest | synthetic (n), 10 %, 50 %, 90 % |", "|---|---|---|---|"]
    for modality, images in synthetic.items():
        theirs = [asdict(measure_look(image)) for image in real.get(modality, ())]
        ours = [asdict(measure_look(image)) for image in images]
        if not ours or not theirs:
            continue
        for name in ours[0]:
            low, high = min(row[name] for row in theirs), max(row[name] for row in theirs)
            parts = np.percentile([row[name] for row in ours], [10, 50, 90])
            shown = ", ".join(f"{part:.2f}" for part in parts)
            lines.append(f"| {modality} | {name} | {low:.2f} to {high:.2f} ({len(theirs)}) | {shown} ({len(ours)}) |")
        lines.append(_histograms(modality, images, real[modality]))
    return "\n".join(lines) + "\n"


def _histograms(modality: str, synthetic: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> str:
    across = [histogram_distance(one, other) for one in synthetic for other in real]
    among = [histogram_distance(one, other) for place, one in enumerate(real) for other in real[:place]]
    reference = f"{np.median(among):.2f}" if among else "one image only"
    return f"| {modality} | median histogram distance | {reference} | {np.median(across):.2f} to the real |"


def _second_difference(image: np.ndarray, axis: int) -> np.ndarray:
    return ndimage.correlate1d(image, [1.0, -2.0, 1.0], axis=axis, mode="nearest")


def _sampled(image: np.ndarray) -> np.ndarray:
    """Every so many voxels of the brain: distances of whole brains tell no more."""
    values = image[image != 0]
    return values[:: max(1, values.size // 20_000)]
