"""A result as a reader left it: the lesions of the corrected mask, with the model's own numbers of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, image_like, voxels
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.lesion.measurement import Lesion, measure_lesions
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.lesion.uncertainty import UncertainProbability

# Of a lesion that no lesion of the model corresponds to.
DRAWN = "drawn"


def segment_corrected(
    maps: UncertainProbability,
    labels: sitk.Image,
    instances: np.ndarray,
    originals: Sequence[Lesion],
    *,
    threshold: float,
    min_lesion_mm3: float,
    psu: float,
) -> Segmentation:
    """Lesions of the corrected labels (1 = lesion), all on one grid; however small, for a reader left them there.

    instances (z, y, x), originals: the model's lesions at its own threshold. A corrected lesion has the structural uncertainty
    and the region of the model's lesion that it shares most voxels with; one that shares none is "drawn", uncertainty 1.
    """
    grid = Grid.of(maps.probability)
    probability, entropy = voxels(maps.probability), voxels(maps.entropy)
    inside = (voxels(labels) == LESION).astype(np.float32)
    found = label_instances(inside, threshold=0.5, min_lesion_mm3=0.0, voxel_volume_mm3=grid.voxel_volume_mm3)
    partner = _partners(count_shared_voxels(found, instances))
    known = np.array([1.0, *(lesion.lsu for lesion in originals)])[partner]
    lesions = measure_lesions(found, probability, entropy, known, grid)
    mask = found > 0
    volume_ml = float(mask.sum() * grid.voxel_volume_mm3 / MM3_PER_ML)
    return Segmentation(
        maps=maps,
        mask=image_like(maps.probability, mask.astype(np.uint8)),
        instances=image_like(maps.probability, found),
        lesions=tuple(
            _placed(lesion, originals[own - 1]) if own else dataclasses.replace(lesion, status=DRAWN)
            for lesion, own in zip(lesions, partner.tolist(), strict=True)
        ),
        threshold=threshold,
        min_lesion_mm3=min_lesion_mm3,
        volume_ml=volume_ml,
        soft_volume_ml=float(probability.sum(dtype=np.float64) * grid.voxel_volume_mm3 / MM3_PER_ML),
        volume_interval_ml=(volume_ml, volume_ml),
        mean_entropy_in_lesions_nats=float(entropy[mask].mean()) if mask.any() else None,
        psu=psu,
    )


def _placed(lesion: Lesion, original: Lesion) -> Lesion:
    """With the region of the lesion that it was; lengths and gaps are of what it was, and left out."""
    return dataclasses.replace(lesion, region=original.region, region_probability=original.region_probability)


def count_shared_voxels(found: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How many voxels each instance 1…n of the first array shares with each 1…m of the second, (n, m); one grid."""
    count, width = int(found.max(initial=0)), int(others.max(initial=0)) + 1
    both = (found > 0) & (others > 0)
    pairs = found[both].astype(np.int64) * width + others[both]
    return np.bincount(pairs, minlength=(count + 1) * width).reshape(count + 1, width)[1:, 1:]


def _partners(shared: np.ndarray) -> np.ndarray:
    """For each instance the number of the other that it shares most voxels with, 0 = none."""
    if not shared.shape[1]:
        return np.zeros(len(shared), np.int64)
    partner: np.ndarray = np.where(shared.any(axis=1), shared.argmax(axis=1) + 1, 0)
    return partner
