"""A result as a reader left it: the lesions of the corrected mask, with the model's own numbers of each."""

from __future__ import annotations

import dataclasses

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, image_like, voxels
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.lesion.measurement import measure_lesions
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.lesion.uncertainty import UncertainProbability

# Of a lesion that no lesion of the model corresponds to.
DRAWN = "drawn"


def corrected_segmentation(
    maps: UncertainProbability,
    labels: sitk.Image,
    instances: np.ndarray,
    lsu: np.ndarray,
    *,
    threshold: float,
    min_lesion_mm3: float,
    psu: float,
) -> Segmentation:
    """Lesions of the corrected labels (1 = lesion), all on one grid; however small, for a reader left them there.

    instances (z, y, x), lsu (n,): the model's lesions at its own threshold, and their structural uncertainty. A corrected
    lesion has that of the model's lesion that it shares most voxels with; one that shares none is "drawn", uncertainty 1.
    """
    grid = Grid.of(maps.probability)
    probability, entropy = voxels(maps.probability), voxels(maps.entropy)
    inside = (voxels(labels) == LESION).astype(np.float32)
    found = label_instances(inside, threshold=0.5, min_lesion_mm3=0.0, voxel_volume_mm3=grid.voxel_volume_mm3)
    partner = _partners(found, instances)
    known = np.where(partner > 0, np.append(1.0, lsu)[partner], 1.0)
    lesions = measure_lesions(found, probability, entropy, known, grid)
    mask = found > 0
    volume_ml = float(mask.sum() * grid.voxel_volume_mm3 / MM3_PER_ML)
    return Segmentation(
        maps=maps,
        mask=image_like(maps.probability, mask.astype(np.uint8)),
        instances=image_like(maps.probability, found),
        lesions=tuple(
            lesion if own else dataclasses.replace(lesion, status=DRAWN)
            for lesion, own in zip(lesions, partner, strict=True)
        ),
        threshold=threshold,
        min_lesion_mm3=min_lesion_mm3,
        volume_ml=volume_ml,
        soft_volume_ml=float(probability.sum(dtype=np.float64) * grid.voxel_volume_mm3 / MM3_PER_ML),
        volume_interval_ml=(volume_ml, volume_ml),
        mean_entropy_in_lesions_nats=float(entropy[mask].mean()) if mask.any() else None,
        psu=psu,
    )


def _partners(found: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each instance 1…n of the first array the number in the second that shares most voxels with it, 0 = none."""
    count, width = int(found.max(initial=0)), int(others.max(initial=0)) + 1
    both = (found > 0) & (others > 0)
    pairs = found[both].astype(np.int64) * width + others[both]
    shared = np.bincount(pairs, minlength=(count + 1) * width).reshape(count + 1, width)[1:]
    partner: np.ndarray = np.where(shared.any(axis=1), shared.argmax(axis=1), 0)
    return partner
