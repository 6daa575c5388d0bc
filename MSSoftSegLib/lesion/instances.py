"""Lesion instances: clinicians count lesions, not voxels."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Connectivity by the number of neighbors, as the field names it: faces, faces and edges, faces, edges and corners.
CONNECTIVITY_RANK = {6: 1, 18: 2, 26: 3}
DEFAULT_CONNECTIVITY = 26
# NIfTI stores spacing in 32 bits: equal volumes differ by up to a few parts in ten million.
EQUAL_VOLUME_TOLERANCE = 1e-6
MOST_INSTANCES = int(np.iinfo(np.uint16).max)


def label_instances(
    probability: np.ndarray,
    *,
    threshold: float,
    min_lesion_mm3: float,
    voxel_volume_mm3: float,
    connectivity: int = DEFAULT_CONNECTIVITY,
) -> np.ndarray:
    """Connected components of probability ≥ threshold, largest first, uint16 (z, y, x); 0 is background.

    probability: 0–1, (z, y, x). A component of exactly min_lesion_mm3 stays. A threshold of 0 would make everything lesion
    and is a ValueError.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"the threshold must lie in (0, 1], not {threshold}")
    structure = ndimage.generate_binary_structure(3, CONNECTIVITY_RANK[connectivity])
    lesion = probability >= threshold
    instances = np.zeros(probability.shape, np.uint16)
    if not lesion.any():
        return instances
    (box,) = ndimage.find_objects(lesion.view(np.uint8))
    labels, count = ndimage.label(lesion[box], structure)
    size = np.bincount(labels.ravel())[1:]
    kept = np.flatnonzero(size * voxel_volume_mm3 >= min_lesion_mm3 * (1 - EQUAL_VOLUME_TOLERANCE))
    order = kept[np.argsort(-size[kept], kind="stable")][:MOST_INSTANCES]
    number = np.zeros(count + 1, np.uint16)
    number[order + 1] = np.arange(1, len(order) + 1)
    instances[box] = number[labels]
    return instances
