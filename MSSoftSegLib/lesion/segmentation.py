"""The answer to one exam: lesions at a threshold, with volumes and their uncertainty, on one grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, image_like, voxels
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.lesion.measurement import Lesion, measure_lesions
from MSSoftSegLib.lesion.structural_uncertainty import lesion_structural_uncertainty, patient_structural_uncertainty
from MSSoftSegLib.lesion.uncertainty import UncertainProbability


@dataclass(frozen=True)
class Segmentation:
    """Lesions on one grid.

    mask: uint8 0/1; instances: uint16, largest lesion first; lesions: one entry per instance, in that order.
    soft_volume_ml = ΣP̄ · voxel volume over the whole grid. volume_interval_ml: smallest and largest volume over the members'
    masks and the mask itself at one threshold (the mean's mask can be smaller than every member's).
    mean_entropy_in_lesions_nats is None without lesions. psu: patient structural uncertainty.
    """

    maps: UncertainProbability
    mask: sitk.Image
    instances: sitk.Image
    lesions: tuple[Lesion, ...]
    threshold: float
    min_lesion_mm3: float
    volume_ml: float
    soft_volume_ml: float
    volume_interval_ml: tuple[float, float]
    mean_entropy_in_lesions_nats: float | None
    psu: float


def segment_lesions(maps: UncertainProbability, *, threshold: float, min_lesion_mm3: float) -> Segmentation:
    """Cut the probability at the threshold, drop lesions below min_lesion_mm3, measure what stays."""
    grid = Grid.of(maps.probability)
    probability, entropy = voxels(maps.probability), voxels(maps.entropy)

    def instances_of(array: np.ndarray) -> np.ndarray:
        return label_instances(
            array, threshold=threshold, min_lesion_mm3=min_lesion_mm3, voxel_volume_mm3=grid.voxel_volume_mm3
        )

    instances = instances_of(probability)
    members = [instances_of(voxels(member)) for member in maps.members]
    mask = instances > 0
    member_ml = [float((member > 0).sum() * grid.voxel_volume_mm3 / MM3_PER_ML) for member in members]
    volume_ml = float(mask.sum() * grid.voxel_volume_mm3 / MM3_PER_ML)
    return Segmentation(
        maps=maps,
        mask=image_like(maps.probability, mask.astype(np.uint8)),
        instances=image_like(maps.probability, instances),
        lesions=measure_lesions(
            instances, probability, entropy, lesion_structural_uncertainty(instances, members), grid
        ),
        threshold=threshold,
        min_lesion_mm3=min_lesion_mm3,
        volume_ml=volume_ml,
        soft_volume_ml=float(probability.sum(dtype=np.float64) * grid.voxel_volume_mm3 / MM3_PER_ML),
        volume_interval_ml=(min(volume_ml, *member_ml), max(volume_ml, *member_ml)),
        mean_entropy_in_lesions_nats=float(entropy[mask].mean()) if mask.any() else None,
        psu=patient_structural_uncertainty(mask, members),
    )
