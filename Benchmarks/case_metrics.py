"""Everything that `evaluate` measures on one whole brain, against MONAI's metrics of the same masks.

Run from a checkout:  OMP_NUM_THREADS=1 python Benchmarks/case_metrics.py
Writes Benchmarks/results/case_metrics.md. The masks are drawn: lesions of a made-up map, and the same lesions from a disturbed
one. MONAI measures Dice, the 95 % Hausdorff distance and the average surface distance; its values must equal ours.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance
from scipy import ndimage

from MSSoftSegLib.evaluation.case_metrics import measure_case

SHAPE, SPACING_MM = (162, 170, 176), (1.0, 1.0, 1.0)
REPEATS, TOLERANCE = 3, 1e-4
RESULT = Path(__file__).parent / "results" / "case_metrics.md"


def made_case() -> tuple[np.ndarray, ...]:
    """Truth, prediction (uint8), probability, entropy (float32), brain (bool); (z, y, x)."""
    rng = np.random.default_rng(2)
    axes = [np.linspace(-1, 1, size) for size in SHAPE]
    brain = sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij", sparse=True)) < 0.8
    fields = [ndimage.gaussian_filter(rng.normal(size=SHAPE).astype(np.float32), 4) for _ in range(2)]
    base, other = (field / field.std() for field in fields)
    truth = (base > 2.4) & brain
    probability = (brain / (1 + np.exp(-4 * (base + 0.3 * other - 2.4)))).astype(np.float32)
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    return truth.astype(np.uint8), (probability >= 0.5).astype(np.uint8), probability, entropy, brain


def monai_metrics(truth: np.ndarray, prediction: np.ndarray) -> tuple[float, ...]:
    """DSC, HD95 (mm), symmetric average surface distance (mm)."""
    one, two = (torch.from_numpy(mask.astype(np.float32))[None, None] for mask in (prediction, truth))
    options = {"include_background": True, "spacing": SPACING_MM}
    hausdorff = compute_hausdorff_distance(one, two, percentile=95, **options)
    surface = compute_average_surface_distance(one, two, symmetric=True, **options)
    return tuple(float(value) for value in (compute_dice(one, two), hausdorff, surface))


def seconds(work: Callable[[], object]) -> float:
    """Median processor time."""
    spent = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return float(np.median(spent))


def main() -> None:
    """Measure, compare the values, write the table, print it."""
    truth, prediction, *rest = made_case()
    ours = measure_case(truth, prediction, *rest, SPACING_MM)
    theirs = monai_metrics(truth, prediction)
    np.testing.assert_allclose((ours.dsc, ours.hd95_mm, ours.assd_mm), theirs, rtol=TOLERANCE)
    whole = seconds(lambda: measure_case(truth, prediction, *rest, SPACING_MM))
    masks = seconds(lambda: measure_case(truth, prediction, None, None, None, SPACING_MM))
    monai = seconds(lambda: monai_metrics(truth, prediction))
    lesions = ndimage.label(truth, np.ones((3, 3, 3)))[1]
    lines = [
        "# One case measured",
        "",
        f"{'×'.join(map(str, SHAPE))} voxels of 1 mm, {lesions} lesions ({int(truth.sum())} voxels), one thread, "
        f"{platform.processor() or platform.machine()}. Processor seconds, "
        f"median of {REPEATS}; the three values agree to {TOLERANCE}.",
        "",
        "| | seconds | times MONAI |",
        "|---|---|---|",
        f"| all measures, with probability, entropy and brain | {whole:.1f} | {whole / monai:.2f} |",
        f"| all measures of masks (overlap, surface, lesions, panoptic) | {masks:.1f} | {masks / monai:.2f} |",
        f"| MONAI: Dice, HD95, ASSD | {monai:.1f} | 1 |",
    ]
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
