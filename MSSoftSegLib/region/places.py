"""The place of every lesion: distances, shares of its volume, and membership in places that may be several.

A lesion is periventricular or juxtacortical by what it touches, not by what a dilated copy of it overlaps, and infratentorial
or of deep gray matter by where its voxels are. A confluent lesion that touches ventricle and cortex is both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.linear import matrix_of, move_points
from MSSoftSegLib.preprocessing.distance import distance_mm
from MSSoftSegLib.region.longest_axis import lesion_voxels, longest_axis_mm
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import Place, Region

# A gap to ventricle or cortex that reads as touching: maps have voxels of 1 mm. At the edge the membership is 0.5; it falls
# from 0.88 to 0.12 over four times the softness.
TOUCHING_MM = {Place.PERIVENTRICULAR: 2.0, Place.JUXTACORTICAL: 1.0}
SOFTNESS_MM = 0.5
# Zones that share out the volume of a lesion: white matter up to this far from ventricle or cortex.
ZONE_MM = {Place.PERIVENTRICULAR: 5.0, Place.JUXTACORTICAL: 2.0}
# Infratentorial or deep gray is what has this much of itself there: a ball of the clinical 3 mm, and more.
SMALLEST_PART_MM3 = 27.0
# Lesion voxels are looked up at points no wider apart than this.
SAMPLE_MM = 1.0
MEMBER_FROM = 0.5
# Places that hold voxels of a lesion, where the others are touched by it; and the share of it that is most of it.
BY_VOLUME = (Place.INFRATENTORIAL, Place.DEEP_GRAY)
MOST_OF_IT = 0.5


@dataclass(frozen=True)
class LesionPlace:
    """Where the lesion with this instance number lies.

    Distances: the gap in mm between lesion and lateral ventricle or cortex, 0 where they touch, None where the map has none.
    membership: 0–1 for every place, not summing to 1. share: of the lesion's volume in each place, summing to 1.
    longest_axis_mm: see longest_axis.py.
    """

    id: int
    distance_to_ventricle_mm: float | None
    distance_to_cortex_mm: float | None
    longest_axis_mm: float
    membership: dict[Place, float]
    share: dict[Place, float]

    @property
    def places(self) -> tuple[Place, ...]:
        """The places it belongs to (membership of at least one half), at least the likeliest.

        In the order in which the definitions list them: of a lesion that touches ventricle and cortex both, neither its volume
        near each nor the last tenths of a millimeter decide what comes first. Infratentorial or of deep gray matter it is first
        where most of its volume lies there, and last where it only reaches there.
        """
        members = [place for place in Place if self.membership[place] >= MEMBER_FROM]
        return tuple(sorted(members, key=self._rank)) or (max(Place, key=lambda place: self.membership[place]),)

    @property
    def place(self) -> Place:
        """The one place to name where there is room for one."""
        return self.places[0]

    def _rank(self, place: Place) -> int:
        if place not in BY_VOLUME:
            return 1
        return 0 if self.share[place] >= MOST_OF_IT else 2


def place_lesions(
    instances: sitk.Image, regions: RegionMap, working_from_native: sitk.Transform | None = None
) -> tuple[LesionPlace, ...]:
    """The place of each instance 1…n, by rising number.

    instances: labels on any grid; working_from_native maps a point of that grid's space to the region map's (LPS mm, linear:
    rigid or affine), None = the same space.
    """
    grid, labels = Grid.of(instances), voxels(instances)
    lookup = _Lookup.of(regions)
    placed = []
    for number, index in lesion_voxels(labels):
        points, half_mm = _points(index, grid, working_from_native)
        sampled = lookup.at(points, grid.voxel_volume_mm3 * len(index), half_mm)
        axis_mm = longest_axis_mm(index, grid)
        placed.append(_placed(number, sampled, axis_mm))
    return tuple(placed)


def _points(index: np.ndarray, grid: Grid, working_from_native: sitk.Transform | None) -> tuple[np.ndarray, float]:
    """Points of the region map's space (n, 3; LPS mm) that fill the voxels evenly, and how far the lesion reaches beyond them."""
    counts = [max(1, round(mm / SAMPLE_MM)) for mm in grid.spacing_mm[::-1]]
    half_mm = min(mm / n for mm, n in zip(grid.spacing_mm[::-1], counts, strict=True)) / 2
    offsets = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    inner = np.stack(np.meshgrid(*offsets, indexing="ij"), axis=-1).reshape(-1, 3)
    places = (index[:, None, :] + inner[None]).reshape(-1, 3)[:, ::-1]
    to_lps = grid.lps_from_voxel()
    if working_from_native is not None:
        to_lps = matrix_of(working_from_native) @ to_lps
    return move_points(places, to_lps), half_mm


@dataclass(frozen=True)
class _Sampled:
    """What a region map says at the points of one lesion, arrays (n,).

    point_mm3: the volume that a point stands for; half_mm: how far the lesion reaches beyond its outermost points.
    """

    infratentorial: np.ndarray
    deep_gray: np.ndarray
    callosum: np.ndarray
    to_ventricle_mm: np.ndarray
    to_cortex_mm: np.ndarray
    point_mm3: float
    half_mm: float


@dataclass(frozen=True)
class _Lookup:
    """Arrays (z, y, x) of a region map, looked up at points."""

    grid: Grid
    arrays: dict[str, np.ndarray]

    @classmethod
    def of(cls, regions: RegionMap) -> _Lookup:
        return cls(
            regions.grid,
            {
                "infratentorial": regions.array(Region.INFRATENTORIAL),
                "deep_gray": regions.array(Region.DEEP_GRAY),
                "callosum": regions.array(Region.CORPUS_CALLOSUM),
                "to_ventricle_mm": gap_mm(regions.array(Region.LATERAL_VENTRICLE), regions.grid),
                "to_cortex_mm": gap_mm(regions.array(Region.CORTEX), regions.grid),
            },
        )

    def at(self, points: np.ndarray, volume_mm3: float, half_mm: float) -> _Sampled:
        to_index = np.linalg.inv(self.grid.lps_from_voxel())
        index = (points @ to_index[:3, :3].T + to_index[:3, 3])[:, ::-1].T
        sampled = {
            name: ndimage.map_coordinates(array, index, order=1, mode="nearest", prefilter=False)
            for name, array in self.arrays.items()
        }
        return _Sampled(**sampled, point_mm3=volume_mm3 / len(points), half_mm=half_mm)


def gap_mm(probability: np.ndarray, grid: Grid) -> np.ndarray:
    """How far each voxel's center lies from where the probability is at least one half, mm, to that surface; inf if nowhere."""
    there = probability >= 0.5
    if not there.any():
        return np.full(probability.shape, np.inf, np.float32)
    # Between centers of neighbors lie two half voxels, of which one is still the structure's.
    return np.maximum(distance_mm(there, grid.spacing_mm) - np.float32(min(grid.spacing_mm) / 2), 0)


def _placed(number: int, s: _Sampled, axis_mm: float) -> LesionPlace:
    """The place of one lesion from what its points say."""
    cerebral = np.clip(1 - s.infratentorial - s.deep_gray, 0, 1)
    share = _shares(s, cerebral)
    gap = {
        Place.PERIVENTRICULAR: _gap(s.to_ventricle_mm, s.half_mm),
        Place.JUXTACORTICAL: _gap(s.to_cortex_mm, s.half_mm),
    }
    elsewhere = share[Place.INFRATENTORIAL] + share[Place.DEEP_GRAY]
    touching = {place: _touching(gap[place], place) * (1 - elsewhere) for place in gap}
    # Lesions of the callosum count as periventricular in both definitions.
    touching[Place.PERIVENTRICULAR] = max(touching[Place.PERIVENTRICULAR], float(s.callosum.mean()))
    apart = (1 - touching[Place.PERIVENTRICULAR]) * (1 - touching[Place.JUXTACORTICAL])
    membership = touching | {
        Place.INFRATENTORIAL: _part(s.infratentorial, s.point_mm3),
        Place.DEEP_GRAY: _part(s.deep_gray, s.point_mm3),
        Place.DEEP_WHITE: apart * (1 - elsewhere),
    }
    return LesionPlace(
        id=number,
        distance_to_ventricle_mm=gap[Place.PERIVENTRICULAR],
        distance_to_cortex_mm=gap[Place.JUXTACORTICAL],
        longest_axis_mm=axis_mm,
        membership={place: float(min(max(membership[place], 0.0), 1.0)) for place in Place},
        share=share,
    )


def _gap(distances_mm: np.ndarray, half_mm: float) -> float | None:
    """From the lesion's edge to a structure."""
    nearest = float(distances_mm.min())
    return max(nearest - half_mm, 0.0) if np.isfinite(nearest) else None


def _touching(gap: float | None, place: Place) -> float:
    """How surely a gap reads as touching, 0–1."""
    if gap is None:
        return 0.0
    return float(1 / (1 + np.exp((gap - TOUCHING_MM[place]) / SOFTNESS_MM)))


def _part(probability: np.ndarray, point_mm3: float) -> float:
    """Mean probability where it is highest, over a part of the clinical size, or over all of a smaller lesion."""
    count = min(len(probability), max(1, round(SMALLEST_PART_MM3 / point_mm3)))
    return float(np.partition(probability, len(probability) - count)[-count:].mean())


def _shares(s: _Sampled, cerebral: np.ndarray) -> dict[Place, float]:
    """Each point goes to infratentorial and deep gray as probable; what is cerebral to the nearest zone, else deep white."""
    by_ventricle = (s.to_ventricle_mm <= ZONE_MM[Place.PERIVENTRICULAR]) | (s.callosum >= 0.5)
    by_cortex = (s.to_cortex_mm <= ZONE_MM[Place.JUXTACORTICAL]) & ~(
        by_ventricle & (s.to_ventricle_mm < s.to_cortex_mm)
    )
    by_ventricle = by_ventricle & ~by_cortex
    parts = {
        Place.PERIVENTRICULAR: cerebral * by_ventricle,
        Place.JUXTACORTICAL: cerebral * by_cortex,
        Place.INFRATENTORIAL: s.infratentorial,
        Place.DEEP_WHITE: cerebral * ~(by_ventricle | by_cortex),
        Place.DEEP_GRAY: s.deep_gray,
    }
    total = sum(float(part.mean()) for part in parts.values())
    return {place: float(part.mean()) / max(total, 1e-9) for place, part in parts.items()}
