"""The numbers of each lesion: volumes, probability, entropy, place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid

# A voxel counts towards the soft volume of the nearest lesion up to this far from it.
SOFT_REACH_MM = 3.0
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Lesion:
    """One lesion instance. Centroid in RAS mm; extent: the longest side of its bounding box.

    Its place, as the room ``region`` finds it, None where it was not found: the region's name and how probably the lesion
    belongs to it (0–1), the longest axis, and the gaps to lateral ventricle and cortex.
    """

    id: int
    volume_mm3: float
    soft_volume_mm3: float
    max_probability: float
    mean_probability: float
    mean_entropy_nats: float
    lsu: float
    centroid_ras_mm: tuple[float, float, float]
    extent_mm: float
    status: str = "detected"
    region: str | None = None
    region_probability: float | None = None
    longest_axis_mm: float | None = None
    ventricle_distance_mm: float | None = None
    cortex_distance_mm: float | None = None


def measure_lesions(
    instances: np.ndarray, probability: np.ndarray, entropy: np.ndarray, lsu: np.ndarray, grid: Grid
) -> tuple[Lesion, ...]:
    """Measure every instance 1…n; arrays (z, y, x) on the grid, lsu (n,).

    soft_volume_mm3 is Σ P over the lesion and the voxels within 3 mm that lie nearer to it than to any other lesion.
    """
    count = int(instances.max(initial=0))
    if count == 0:
        return ()
    soft_sum = _soft_sums(instances, probability, grid, count)
    boxes = ndimage.find_objects(instances)
    lps_from_voxel = grid.lps_from_voxel()
    lesions = []
    for number, box in enumerate(boxes, start=1):
        inside = instances[box] == number
        p, h = probability[box][inside], entropy[box][inside]
        center_zyx = np.argwhere(inside).mean(axis=0) + [axis.start for axis in box]
        center_lps = (lps_from_voxel @ np.append(center_zyx[::-1], 1.0))[:3]
        sides = [(axis.stop - axis.start) * mm for axis, mm in zip(box[::-1], grid.spacing_mm, strict=True)]
        x, y, z = (float(v) for v in center_lps * LPS_TO_RAS)
        lesions.append(
            Lesion(
                id=number,
                volume_mm3=float(inside.sum() * grid.voxel_volume_mm3),
                soft_volume_mm3=float(soft_sum[number] * grid.voxel_volume_mm3),
                max_probability=float(p.max()),
                mean_probability=float(p.mean()),
                mean_entropy_nats=float(h.mean()),
                lsu=float(lsu[number - 1]),
                centroid_ras_mm=(x, y, z),
                extent_mm=float(max(sides)),
            )
        )
    return tuple(lesions)


def _soft_sums(instances: np.ndarray, probability: np.ndarray, grid: Grid, count: int) -> np.ndarray:
    """Σ P per nearest instance within reach, index = instance number."""
    reach = [int(np.ceil(SOFT_REACH_MM / mm)) for mm in grid.spacing_mm[::-1]]
    occupied = np.nonzero(instances)
    window = tuple(
        slice(max(0, int(axis.min()) - r), int(axis.max()) + r + 1) for axis, r in zip(occupied, reach, strict=True)
    )
    labels = instances[window]
    distance_mm, nearest = ndimage.distance_transform_edt(
        labels == 0, sampling=grid.spacing_mm[::-1], return_indices=True
    )
    owner = np.where(distance_mm <= SOFT_REACH_MM, labels[tuple(nearest)], 0)
    return np.bincount(owner.ravel(), weights=probability[window].ravel().astype(np.float64), minlength=count + 1)
