"""The shell of the Bar-Ilan thesis: near a lesion, and brighter on FLAIR than that lesion is on average."""

from __future__ import annotations

import numpy as np

from MSSoftSegLib.softlabel.distance import Spacing, is_within
from MSSoftSegLib.softlabel.lesions_of_core import find_nearby_lesions


def barilan_shell(core: np.ndarray, flair: np.ndarray, spacing_mm: Spacing, *, radius_mm: float) -> np.ndarray:
    """Voxels of the shell, bool (z, y, x), none of them in the core.

    A voxel is kept where its FLAIR is strictly above the mean FLAIR of any lesion whose nearest voxel center lies within
    radius_mm (Euclidean, so that it holds at any spacing). A lesion is a 26-connected component of the core.
    Source: Bar-Ilan thesis, 3D ball of 1 mm; the Euclidean ball is our choice for other spacings.
    """
    shell = np.zeros(core.shape, bool)
    for lesion in find_nearby_lesions(core, flair, spacing_mm, reach_mm=radius_mm):
        # The mean stays float64: rounded to the image's type, a voxel equal to it could pass for brighter.
        shell[lesion.window] |= is_within(lesion.squared_mm2, radius_mm) & (flair[lesion.window] > lesion.mean_flair)
    return shell & ~core
