"""Lesion filling: a patient's brain without her lesions, in which every answer of a model is a false one.

The lesions' place takes the local mean of normal-appearing white matter and its grain, taken from elsewhere in the same image.
In the spirit of Chard et al. 2010 (J Magn Reson Imaging 32:223) and Battaglini et al. 2012 (Hum Brain Mapp 33:2062), who fill
T1-weighted images; here every contrast is filled.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# What a rater left out of a lesion is brighter than white matter still.
RIM_VOXELS = 2
SMOOTH_VOXELS = 4.0
GRAIN_VOXELS = 2.0
# Of the brain's FLAIR, in units of the normalised image (0 = median): white matter lies about the median.
WHITE_MATTER = (-0.9, 0.7)
GRAIN_TRIES, GRAIN_REACH_VOXELS = 12, 40
NOTHING_NEAR = 1e-3


def fill_lesions(images: np.ndarray, label: np.ndarray, brain: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """The images with everything filled that the label calls lesion, even a little.

    images: (c, z, y, x) float32, FLAIR first, normalised, 0 outside the brain or where a contrast is absent; label: (z, y, x),
    0–1; brain: (z, y, x) bool. The same shape comes back; contrasts that are absent stay 0.
    """
    lesion = label > 0.02
    if not lesion.any():
        return images.copy()
    replaced = ndimage.binary_dilation(lesion, iterations=RIM_VOXELS) & brain & (images[0] > WHITE_MATTER[0])
    weight = np.clip(ndimage.gaussian_filter(replaced.astype(np.float32), 0.8) * 1.5, 0, 1)
    weight[lesion & brain] = 1.0
    white = brain & ~ndimage.binary_dilation(lesion, iterations=RIM_VOXELS + 1)
    white &= (images[0] > WHITE_MATTER[0]) & (images[0] < WHITE_MATTER[1])
    if len(images) > 1 and images[1].any():
        # On T1 white matter is the brighter half of the brain: gray matter of FLAIR's range is told apart there.
        white &= images[1] > 0
    shift = _grain_shift(white, replaced, rng)
    filled = [
        image if not image.any() else image * (1 - weight) + weight * _normal_tissue(image, white, shift)
        for image in images
    ]
    return np.stack(filled).astype(np.float32) * brain


def _normal_tissue(image: np.ndarray, white: np.ndarray, shift: tuple[int, ...]) -> np.ndarray:
    """Local mean of white matter everywhere, with white matter's grain moved by the shift."""
    mean = _local_mean(image, white, SMOOTH_VOXELS)
    grain = np.where(white, image - _local_mean(image, white, GRAIN_VOXELS), 0.0)
    limit = 3 * float(grain[white].std()) if white.any() else 0.0
    return np.asarray(mean + np.roll(np.clip(grain, -limit, limit), shift, axis=(0, 1, 2)))


def _local_mean(image: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean over the voxels inside; where none is near, their overall mean."""
    weight = inside.astype(np.float32)
    total = ndimage.gaussian_filter(weight, sigma)
    mean = ndimage.gaussian_filter(image * weight, sigma) / np.maximum(total, NOTHING_NEAR)
    overall = float(image[inside].mean()) if inside.any() else 0.0
    trust = np.clip(total / (20 * NOTHING_NEAR), 0, 1)
    return np.asarray(trust * mean + (1 - trust) * overall)


def _grain_shift(white: np.ndarray, replaced: np.ndarray, rng: np.random.Generator) -> tuple[int, ...]:
    """Of a few random shifts, the one that brings most white matter onto what is replaced; slices stay in their plane."""
    shifts = [
        (0, *rng.integers(-GRAIN_REACH_VOXELS, GRAIN_REACH_VOXELS + 1, size=2).tolist()) for _ in range(GRAIN_TRIES)
    ]
    points = np.nonzero(replaced)
    covered = [
        white[points[0], (points[1] - dy) % white.shape[1], (points[2] - dx) % white.shape[2]].sum()
        for _, dy, dx in shifts
    ]
    return shifts[int(np.argmax(covered))]
