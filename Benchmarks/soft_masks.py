"""Soft masks of a whole brain with 100 lesions: processor seconds per method, against the naive way to the same voxels.

Run from a checkout:  OMP_NUM_THREADS=1 python Benchmarks/soft_masks.py
Writes Benchmarks/results/soft_masks.md. The naive way works on the whole volume: one dilation with a ball, or one distance
transform, per lesion. Both must give the same voxels, or the script stops. Lesions are drawn, nobody's.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask

SHAPE = (182, 218, 182)
LESIONS = 100
REPEATS = 5
EVERY_NEIGHBOR = np.ones((3, 3, 3))
RESULT = Path(__file__).parent / "results" / "soft_masks.md"
HEAD = f"""# Soft masks

One volume of {"×".join(str(n) for n in SHAPE)} voxels of 1 mm, %d lesions (%d voxels), one thread, %s.
Seconds of processor time (other programs may be running); median and largest of n runs.

| method | settings | seconds | largest | n | naive, on the whole volume | seconds | times faster |
|---|---|---|---|---|---|---|---|
"""
FOOT = """
Every method gave the same voxels as its naive counterpart (Gaussian, ramp and SVLS to 1e-5). Gaussian and SVLS are one
separable or small filter either way: with lesions all over the brain there is nothing to gain by working in a window.
"""


def brain() -> tuple[np.ndarray, np.ndarray]:
    """Core (bool) and FLAIR (float32) with separate lesions of 1 to 14 mm all over an ellipsoid, (z, y, x)."""
    rng = np.random.default_rng(7)
    core = np.zeros(SHAPE, bool)
    points = np.indices(SHAPE)
    while ndimage.label(core, EVERY_NEIGHBOR)[1] < LESIONS:
        direction = rng.normal(size=3)
        center = np.asarray(SHAPE) * (0.5 + 0.38 * rng.random() ** (1 / 3) * direction / np.linalg.norm(direction))
        radii = rng.gamma(2.0, 1.2, size=3) + 0.6
        box = tuple(slice(max(0, int(c - 9)), int(c + 10)) for c in center)
        gaps = [(points[(axis, *box)] - center[axis]) / min(radii[axis], 7) for axis in range(3)]
        core[box] |= sum(gap**2 for gap in gaps) <= 1
    flair = rng.normal(80, 8, SHAPE) + 30 * ndimage.gaussian_filter(core.astype(np.float32), 0.8)
    return core, flair.astype(np.float32)


def naive_barilan(core: np.ndarray, flair: np.ndarray, settings: SoftLabelSettings) -> np.ndarray:
    """One binary dilation of the whole volume per lesion."""
    reach = int(settings.radius_mm)
    ball = (np.indices((2 * reach + 1,) * 3) - reach) ** 2
    labels, count = ndimage.label(core, EVERY_NEIGHBOR)
    shell = np.zeros(core.shape, bool)
    for number in range(1, count + 1):
        lesion = labels == number
        near = ndimage.binary_dilation(lesion, ball.sum(axis=0) <= settings.radius_mm**2)
        shell |= near & (flair > flair[lesion].mean(dtype=np.float64))
    return np.where(core, 1, settings.gamma * shell)


def naive_voxelwise(core: np.ndarray, flair: np.ndarray, settings: SoftLabelSettings) -> np.ndarray:
    """One distance transform of the whole volume per lesion."""
    labels, count = ndimage.label(core, EVERY_NEIGHBOR)
    numbers = np.arange(1, count + 1)
    mean = ndimage.mean(flair.astype(np.float64), labels, numbers)
    span = 2 * np.sqrt(np.mean((flair[core] - mean[labels[core] - 1]) ** 2))
    best = np.zeros(core.shape)
    for number in numbers:
        distance = ndimage.distance_transform_edt(labels != number)
        bright = np.clip(1 - (mean[number - 1] - flair) / span, 0, 1)
        weight = np.where(distance <= settings.radius_mm, 1 - distance / (2 * settings.radius_mm), 0)
        best = np.maximum(best, settings.gamma * bright * weight)
    return np.where(core, 1, best)


def naive_kats(core: np.ndarray, flair: np.ndarray, settings: SoftLabelSettings) -> np.ndarray:
    """One distance transform, and every voxel of the volume sorted."""
    allowed = ~core & (flair >= flair[core].astype(np.float64).mean() - flair[core].astype(np.float64).std())
    distance = np.round(ndimage.distance_transform_edt(~core), 4)
    order = np.lexsort((-flair.ravel(), distance.ravel(), ~allowed.ravel()))
    shell = np.zeros(core.size, bool)
    shell[order[: round((settings.size_percent - 100) * core.sum() / 100)]] = True
    return np.where(core, 1, settings.gamma * shell.reshape(core.shape))


def naive_gaussian(core: np.ndarray, flair: np.ndarray, settings: SoftLabelSettings) -> np.ndarray:
    """Scipy's filter over the whole volume."""
    return ndimage.gaussian_filter(core.astype(np.float32), settings.sigma_mm, mode="nearest")


def naive_ramp(core: np.ndarray, flair: np.ndarray, settings: SoftLabelSettings) -> np.ndarray:
    """The nearest box among all of a block of neighbors, at every voxel, outward and inward."""
    reach = int(settings.radius_mm + 0.5)
    gaps = np.maximum(np.abs(np.indices((2 * reach + 1,) * 3) - reach) - 0.5, 0)
    price = (gaps**2).sum(axis=0)
    far = 1e6
    outward = ndimage.grey_erosion(np.where(core, 0.0, far), structure=-price, mode="constant", cval=far)
    inward = ndimage.grey_erosion(np.where(core, far, 0.0), structure=-price, mode="constant", cval=far)
    return np.clip(0.5 - (np.sqrt(outward) - np.sqrt(inward)) / (2 * settings.radius_mm), 0, 1)


def naive_svls(core: np.ndarray, flair: np.ndarray, settings: SoftLabelSettings) -> np.ndarray:
    """The whole kernel at every voxel."""
    kernel = np.exp(-((np.indices((3, 3, 3)) - 1) ** 2).sum(axis=0) / (2 * settings.sigma_mm**2))
    kernel[1, 1, 1] = 0
    kernel *= 0.5 / kernel.sum()
    kernel[1, 1, 1] = 0.5
    return ndimage.correlate(core.astype(np.float32), kernel, mode="nearest")


ROWS: tuple[tuple[SoftLabelSettings, str, Callable[..., np.ndarray] | None, str], ...] = (
    (SoftLabelSettings(method="none"), "", None, ""),
    (SoftLabelSettings(method="kats"), "120 %", naive_kats, "distance transform, all voxels sorted"),
    (SoftLabelSettings(method="barilan"), "1 mm", naive_barilan, "dilation with the ball, per lesion"),
    (SoftLabelSettings(method="barilan", radius_mm=3), "3 mm", None, ""),
    (SoftLabelSettings(method="voxelwise", radius_mm=1), "1 mm", naive_voxelwise, "distance transform, per lesion"),
    (SoftLabelSettings(method="voxelwise", radius_mm=3), "3 mm", None, ""),
    (SoftLabelSettings(method="gaussian"), "1 mm", naive_gaussian, "filter"),
    (SoftLabelSettings(method="ramp"), "1 mm", naive_ramp, "nearest box in a block"),
    (SoftLabelSettings(method="svls"), "1 mm", naive_svls, "whole kernel"),
)


def main() -> None:
    """Measure every method, compare its voxels with the naive way's, write the table."""
    core, flair = brain()
    mask, gray = (sitk.GetImageFromArray(array) for array in (core.astype(np.uint8), flair))
    lines = []
    for settings, shown, naive, way in ROWS:
        seconds, found = [], None
        for _ in range(REPEATS):
            started = time.process_time()
            found = make_soft_mask([mask], gray, settings)
            seconds.append(time.process_time() - started)
        line = f"| {settings.method} | {shown} | {np.median(seconds):.2f} | {max(seconds):.2f} | {REPEATS} |"
        if naive is not None and found is not None:
            started = time.process_time()
            expected = naive(core, flair, settings)
            slow = time.process_time() - started
            off = np.abs(voxels(found.image) - expected).max()
            if off > 1e-5:
                sys.exit(f"{settings.method}: differs from the naive way by {off:.3g}")
            line += f" {way} | {slow:.2f} | {slow / np.median(seconds):.1f} |"
        else:
            line += " | | |"
        lines.append(line)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    count = ndimage.label(core, EVERY_NEIGHBOR)[1]
    head = HEAD % (count, int(core.sum()), platform.machine())
    RESULT.write_text(head + "\n".join(lines) + "\n" + FOOT, encoding="utf-8")


if __name__ == "__main__":
    main()
