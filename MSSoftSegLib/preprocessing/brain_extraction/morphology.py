"""A brain is one solid body: no bridges to eyes and dura, no holes, sulci within its outline."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from MSSoftSegLib.preprocessing.distance import distance_mm

# Bridges thinner than twice this are cut.
OPENING_MM = 2.0
# Sulci narrower than twice this belong to the brain.
CLOSING_MM = 4.0
# Distances are counted in voxels.
VOXELS = (1.0, 1.0, 1.0)


def smooth_solid(mask: np.ndarray, *, spacing_mm: float) -> np.ndarray:
    """The mask (z, y, x; isotropic voxels) opened, cut to its largest body, closed and filled; bool."""
    core = _eroded(mask, OPENING_MM / spacing_mm)
    labels, count = ndimage.label(core)
    if count == 0:
        return mask.copy()
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    body = mask & _dilated(labels == sizes.argmax(), OPENING_MM / spacing_mm)
    # At the edge of the array nothing is known: the body goes on there, so that closing leaves it as it is.
    margin = int(np.ceil(CLOSING_MM / spacing_mm)) + 1
    wide = np.pad(body, margin, mode="edge")
    closed = _eroded(_dilated(wide, CLOSING_MM / spacing_mm), CLOSING_MM / spacing_mm)
    inner = (slice(margin, -margin),) * 3
    return ndimage.binary_fill_holes(body | closed[inner])


def _dilated(mask: np.ndarray, radius: float) -> np.ndarray:
    """Voxels within a radius (in voxels) of the mask."""
    if not mask.any():
        return mask
    return np.asarray(distance_mm(mask, VOXELS) <= radius)


def _eroded(mask: np.ndarray, radius: float) -> np.ndarray:
    """Voxels of the mask further than a radius (in voxels) from everything else within the array."""
    if mask.all():
        return mask
    return np.asarray(distance_mm(~mask, VOXELS) > radius)
