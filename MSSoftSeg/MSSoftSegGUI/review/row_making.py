"""Rows of the lesion table from live instances: places in the patient, volumes after edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from MSSoftSegGUI.review.decisions import Status
from MSSoftSegGUI.review.lesion_rows import LesionRow, find_partners
from MSSoftSegGUI.review.mask import EditedLesions
from MSSoftSegGUI.review.material import ReviewMaterial
from MSSoftSegGUI.review.places import LesionPlaces, list_voxels_by_lesion
from MSSoftSegGUI.scene.review_facts import NOWHERE, LesionPlaceFacts
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.lesion.live.threshold import LiveInstances
from MSSoftSegLib.lesion.live.voxel_set import compute_voxel_digest
from MSSoftSegLib.region.longest_axis import longest_axis_mm


@dataclass(frozen=True, eq=False)
class LesionTable:
    """rows: in no order. count, voxels: of the lesions in the mask as it is shown."""

    rows: list[LesionRow]
    count: int
    voxels: int


def make_table(
    instances: LiveInstances,
    statuses: Sequence[Status],
    original: LiveInstances,
    lsu: Sequence[float | None],
    material: ReviewMaterial,
    labels: np.ndarray,
    *,
    edited: EditedLesions | None,
    with_axes: bool,
    known: LesionPlaces,
) -> LesionTable:
    """The lesions of this threshold. original, lsu: those at the model's; edited: None where nothing was painted or erased.

    known: where lesions lie that somebody has placed.
    """
    origins = find_partners(instances, original)
    carried = [lsu[number - 1] if number else None for number in origins]
    places = [material.facts.place_of(number) for number in origins]
    rows = make_model_rows(instances, statuses, carried, places, material, labels, with_axes=with_axes)
    if with_axes:
        rows = _place_rows(rows, instances, edited, known)
    if edited is None:
        kept = [row for row in rows if row.status != "rejected"]
        return LesionTable(rows, len(kept), sum(int(instances.voxel_count[row.number - 1]) for row in kept))
    parts = list_voxels_by_lesion(edited.flat, edited.number, edited.count) if edited.drawn else ()
    drawn = make_drawn_rows([parts[n - 1] for n in sorted(edited.drawn)], instances.count + 1, material, known)
    return LesionTable(rows + drawn, edited.count, len(edited.flat))


def _place_rows(
    rows: Sequence[LesionRow], instances: LiveInstances, edited: EditedLesions | None, known: LesionPlaces
) -> list[LesionRow]:
    """Each lesion that is in the mask with the place of what it is now: with what was painted onto it, without what was erased.

    Where nobody has said that yet, it keeps the place that it has.
    """
    if edited is None:
        parts = list_voxels_by_lesion(instances.flat, instances.number, instances.count)
        numbers = np.arange(1, instances.count + 1)
    else:
        parts = list_voxels_by_lesion(edited.flat, edited.number, edited.count)
        numbers = edited.numbers_of(instances)
    digests = ["", *(compute_voxel_digest(part) for part in parts)]
    placed = []
    for row in rows:
        voxels = "" if row.status == "rejected" else digests[numbers[row.number - 1]]
        place = known.get(voxels) if voxels else row.place
        placed.append(replace(row, voxels=voxels, place=place or row.place, is_placed=place is not None))
    return placed


def make_model_rows(
    instances: LiveInstances,
    statuses: Sequence[Status],
    lsu: Sequence[float | None],
    places: Sequence[LesionPlaceFacts],
    material: ReviewMaterial,
    labels: np.ndarray,
    *,
    with_axes: bool,
) -> list[LesionRow]:
    """A row per lesion of the model by number; one that was erased by hand altogether has none.

    Volumes and axes are of what the label array still holds of a lesion, and of the whole lesion where it is rejected.
    with_axes: measure longest axes, which takes longer than a slider that is held allows.
    """
    count = instances.count
    shown = labels.reshape(-1)[instances.flat] == LESION
    left = np.bincount(instances.number[shown], minlength=count + 1)[1:]
    middles = _places(instances, material)
    seen = shown | np.isin(instances.number, [n + 1 for n in range(count) if statuses[n] == "rejected"])
    axes = _axes(instances.flat[seen], instances.number[seen], count, material) if with_axes else [None] * count
    voxel_mm3 = material.voxel_volume_mm3
    rows = []
    for n in range(count):
        voxels = int(instances.voxel_count[n] if statuses[n] == "rejected" else left[n])
        if not voxels:
            continue
        rows.append(
            LesionRow(
                number=n + 1,
                volume_mm3=voxels * voxel_mm3,
                max_probability=float(instances.max_probability[n]),
                mean_probability=float(instances.mean_probability[n]),
                mean_entropy_nats=float(instances.mean_entropy_nats[n]),
                lsu=lsu[n],
                status=statuses[n],
                place_ras_mm=tuple(middles[n]),
                anchor=int(instances.peak_flat[n]),
                longest_axis_mm=axes[n],
                place=places[n],
            )
        )
    return rows


def make_drawn_rows(
    drawn: Sequence[np.ndarray],
    first_number: int,
    material: ReviewMaterial,
    known: LesionPlaces,
) -> list[LesionRow]:
    """A row per lesion that was painted apart from the model's, numbered on; its numbers are read off the maps.

    drawn: sorted flat indices of each.
    """
    rows = []
    for number, lesion in enumerate(drawn, start=first_number):
        probability = material.probability.reshape(-1)[lesion]
        entropy = material.entropy.reshape(-1)[lesion]
        digest = compute_voxel_digest(lesion)
        place = known.get(digest)
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
                longest_axis_mm=_axes(lesion, np.ones(len(lesion), np.int64), 1, material)[0],
                place=place or NOWHERE,
                voxels=digest,
                is_placed=place is not None,
            )
        )
    return rows


def _axes(flat: np.ndarray, number: np.ndarray, count: int, material: ReviewMaterial) -> list[float | None]:
    """Longest axis of each lesion 1…count, mm; None for one without voxels."""
    shape = material.probability.shape
    spacing = np.linalg.norm(material.ras_from_ijk[:3, :3], axis=0).tolist()
    # Lengths do not ask where the grid lies.
    grid = Grid(shape[::-1], tuple(spacing), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
    return [
        longest_axis_mm(np.stack(np.unravel_index(lesion, shape), axis=1), grid) if len(lesion) else None
        for lesion in list_voxels_by_lesion(flat, number, count)
    ]


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
    nearest = np.full(count + 1, np.inf)
    np.minimum.at(nearest, number, distance)
    # Of equally near ones the first in the image.
    place = np.full(count + 1, np.iinfo(np.int64).max)
    is_nearest = distance == nearest[number]
    np.minimum.at(place, number[is_nearest], instances.flat[is_nearest])
    return _ras(place[1:], material).tolist()


def _ras(flat: np.ndarray, material: ReviewMaterial) -> np.ndarray:
    """RAS mm of voxels, (n, 3)."""
    k, j, i = np.unravel_index(flat, material.probability.shape)
    return (material.ras_from_ijk @ np.stack([i, j, k, np.ones(len(i))]))[:3].T
