"""Cortex or white matter, by how gray a voxel is on T1 (without T1: on FLAIR).

Each class is a normal distribution whose mean and spread come from voxels that the atlas is sure of. Where the contrast is
poor the two likelihoods are nearly equal and the atlas decides. Depth below the surface is no evidence: cortex at the bottom
of a closed sulcus lies deep.
"""

from __future__ import annotations

import numpy as np

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

SURE_CORTEX, SURE_WHITE = 0.6, 0.95
FEWEST_VOXELS = 500
# No voxel is decided by its gray value alone: odds of one class are at most this.
MOST_ODDS = 20.0
# A FLAIR above white matter and cortex by this many spreads may be lesion: its gray value says nothing.
LESION_SPREADS = 3.0
SPREAD_OF_MAD = 1.4826


def cortex_odds(
    working: WorkingExam, *, cortex_prior: np.ndarray, white_prior: np.ndarray, fluid: np.ndarray, lesions: np.ndarray
) -> np.ndarray:
    """Likelihood of cortex over that of white matter in each voxel, float32 (z, y, x), between 1/20 and 20; 1: no evidence.

    Priors and fluid: 0–1; lesions: bool, where gray values are not those of healthy tissue.
    """
    flair = voxels(working.images[Modality.FLAIR])
    tissue = (fluid < 0.1) & ~lesions
    folds = (cortex_prior > SURE_CORTEX) & tissue
    core = (white_prior > SURE_WHITE) & tissue
    odds = np.ones(fluid.shape, np.float32)
    if min(np.count_nonzero(folds), np.count_nonzero(core)) < FEWEST_VOXELS:
        return odds
    # Cortex is brighter than white matter on FLAIR: what is no brighter than either is no lesion.
    brightest = max(level + LESION_SPREADS * spread for level, spread in (_level(flair[folds]), _level(flair[core])))
    known = (fluid < 0.5) & ~lesions & (flair < brightest)
    modality = Modality.T1 if Modality.T1 in working.images else Modality.FLAIR
    array = voxels(working.images[modality])
    sure = array[folds & known], array[core & known]
    if min(part.size for part in sure) < FEWEST_VOXELS:
        return odds
    odds[known] = _odds(array[known], _level(sure[0]), _level(sure[1]))
    return odds


def _level(values: np.ndarray) -> tuple[float, float]:
    """Median and spread (SD of a normal distribution with this median absolute deviation)."""
    middle = float(np.median(values))
    return middle, max(SPREAD_OF_MAD * float(np.median(np.abs(values - middle))), 1e-6 * abs(middle) + 1e-12)


def _odds(values: np.ndarray, cortex: tuple[float, float], white: tuple[float, float]) -> np.ndarray:
    """Ratio of two normal densities with one spread: beyond either mean evidence does not grow."""
    spread = (cortex[1] + white[1]) / 2
    low, high = sorted((cortex[0], white[0]))
    inner = np.clip(values, low, high)
    exponent = ((inner - white[0]) ** 2 - (inner - cortex[0]) ** 2) / (2 * spread**2)
    limit = float(np.log(MOST_ODDS))
    return np.exp(np.clip(exponent, -limit, limit)).astype(np.float32)
