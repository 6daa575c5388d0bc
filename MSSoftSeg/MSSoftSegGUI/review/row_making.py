"""Rows of the lesion table from live instances: places in the patient, volumes after edits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from MSSoftSegGUI.review.decisions import Status
from MSSoftSegGUI.review.lesion_rows import LesionRow
from MSSoftSegGUI.review.material import ReviewMaterial
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.lesion.live.threshold import LiveInstances


def model_rows(
    instances: LiveInstances,
    statuses: Sequence[Status],
    lsu: Sequence[float | None],
    material: ReviewMaterial,
    labels: np.ndarray,
) -> list[LesionRow]:
    """A row per lesion of the model by number; one that was erased by hand altogether has none.

    Volumes are of what the label array still holds of a lesion, and of the whole lesion where it is rejected.
    """
    count = instances.count
    shown = labels.reshape(-1)[instances.flat] == LESION
    left = np.bincount(instances.number[shown], minlength=count + 1)[1:]
    places = _places(instances, material)
    rows = []
    for n in range(count):
        voxels = int(instances.voxel_count[n] if statuses[n] == "rejected" else left[n])
        if not voxels:
            continue
        rows.append(
            LesionRow(
                number=n + 1,
                volume_mm3=voxels * material.voxel_volume_mm3,
                max_probability=float(instances.max_probability[n]),
                mean_probability=float(instances.mean_probability[n]),
                mean_entropy_nats=float(instances.mean_entropy_nats[n]),
                lsu=lsu[n],
                status=statuses[n],
                place_ras_mm=tuple(places[n]),
                anchor=int(instances.peak_flat[n]),
            )
        )
    return rows


def drawn_rows(drawn: Sequence[np.ndarray], first_number: int, material: ReviewMaterial) -> list[LesionRow]:
    """A row per lesion that was painted apart from the model's, numbered on; its numbers are read off the maps.

    drawn: sorted flat indices of each.
    """
    rows = []
    for number, lesion in enumerate(drawn, start=first_number):
        probability = material.probability.reshape(-1)[lesion]
        entropy = material.entropy.reshape(-1)[lesion]
        middle = lesion[len(lesion) // 2 : len(lesion) // 2 + 1]
        rows.append(
            LesionRow(
                number=number,
                volume_mm3=len(lesion) * material.voxel_volume_mm3,
                max_probability=float(probability.max()),
                mean_probability=float(probability.mean()),
                mean_entropy_nats=float(entropy.mean()),
                lsu=None,
                status="accepted",
                place_ras_mm=tuple(_ras(middle, material)[0]),
                anchor=int(lesion[0]),
                origin="drawn",
            )
        )
    return rows


def _places(instances: LiveInstances, material: ReviewMaterial) -> list[list[float]]:
    """For each lesion the place of its voxel nearest to its center: the center itself may lie outside a bent lesion."""
    count, number = instances.count, instances.number
    if not count:
        return []
    coordinates = np.unravel_index(instances.flat, material.probability.shape)
    total = np.maximum(np.bincount(number, minlength=count + 1), 1)
    distance = np.zeros(len(number))
    # In mm, along the grid's own axes.
    spacing_kji = np.linalg.norm(material.ras_from_ijk[:3, :3], axis=0)[::-1]
    for axis, mm in zip(coordinates, spacing_kji, strict=True):
        center = np.bincount(number, weights=axis, minlength=count + 1) / total
        distance += ((axis - center[number]) * mm) ** 2
    by_lesion = np.lexsort((instances.flat, distance, number))
    first = np.searchsorted(number[by_lesion], np.arange(1, count + 1))
    return _ras(instances.flat[by_lesion[first]], material).tolist()


def _ras(flat: np.ndarray, material: ReviewMaterial) -> np.ndarray:
    """RAS mm of voxels, (n, 3)."""
    k, j, i = np.unravel_index(flat, material.probability.shape)
    return (material.ras_from_ijk @ np.stack([i, j, k, np.ones(len(i))]))[:3].T
