"""White-matter lesions: where they lie, how large they are, and what fraction of each voxel they fill.

Places follow the radiology of multiple sclerosis: mostly beside the ventricles (ovoid, across the wall: Dawson's fingers),
then deep white matter, under the cortex, and a few below the tentorium. Sizes are log-normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.phantom.anatomy import Anatomy
from MSSoftSegLib.phantom.fields import smooth_field

Side = Literal["left", "right"]

SMALLEST_MM3, LARGEST_MM3 = 5.0, 3000.0
LOG_SIZE_SPREAD = 1.25
TOTAL_ML = (6.0, 17.0)
FEWEST, MOST = 22, 42
# A one-sided patient's lesions keep this far from the midline.
MIDLINE_MM = 3.0
GROWTH_STEPS = 4


class Zone(StrEnum):
    """Where a lesion lies."""

    PERIVENTRICULAR = "periventricular"
    DEEP = "deep"
    JUXTACORTICAL = "juxtacortical"
    INFRATENTORIAL = "infratentorial"


PLACE_SHARE = {Zone.PERIVENTRICULAR: 0.42, Zone.DEEP: 0.30, Zone.JUXTACORTICAL: 0.20, Zone.INFRATENTORIAL: 0.08}
# Lesions beside the ventricles are large, those under the cortex small.
PLACE_SIZE = {Zone.PERIVENTRICULAR: 2.0, Zone.DEEP: 1.0, Zone.JUXTACORTICAL: 0.6, Zone.INFRATENTORIAL: 0.7}
# Of how many places the roomiest is taken; lesions beside ventricles belong at the wall, not where room is.
TRIED_PLACES = {Zone.PERIVENTRICULAR: 2, Zone.DEEP: 6, Zone.JUXTACORTICAL: 6, Zone.INFRATENTORIAL: 6}


@dataclass(frozen=True)
class PlacedLesion:
    """One lesion: center in LPS mm, half axes in mm along the columns of ``axes``, softness of its border in mm."""

    place: Zone
    center_mm: tuple[float, float, float]
    half_axes_mm: tuple[float, float, float]
    border_mm: float
    severity: float
    volume_mm3: float


@dataclass(frozen=True)
class LesionMaps:
    """fraction: of each voxel that is lesion, 0–1, float32 (z, y, x); severity: about 1, how much tissue is lost there."""

    fraction: np.ndarray
    severity: np.ndarray
    lesions: tuple[PlacedLesion, ...]


@dataclass(frozen=True)
class LesionSettings:
    """count and total_ml: None draws them; side: None puts lesions on both sides."""

    count: int | None = None
    total_ml: float | None = None
    side: Side | None = None


def draw_lesions(anatomy: Anatomy, settings: LesionSettings, *, rng: np.random.Generator) -> LesionMaps:
    """Lesions of one patient, within white matter (and, of deep gray, the parts that are partly white)."""
    count = settings.count if settings.count is not None else int(rng.integers(FEWEST, MOST + 1))
    total_ml = settings.total_ml if settings.total_ml is not None else float(np.exp(rng.uniform(*np.log(TOTAL_ML))))
    drawn_places = rng.choice(len(PLACE_SHARE), size=count, p=list(PLACE_SHARE.values()))
    places = [list(PLACE_SHARE)[i] for i in drawn_places]
    host = np.clip(anatomy.white, 0, 1) * _side_mask(anatomy, settings.side)
    room = _Room.around(anatomy, host)
    fraction, severity = np.zeros_like(host), np.ones_like(host)
    wobble = smooth_field(host.shape, 5.0 / anatomy.frame.spacing_mm, rng=rng)
    drawn = []
    for place, volume_mm3 in _by_size(places, _sizes_mm3(places, total_ml, rng=rng)):
        lesion = _add_lesion(place, volume_mm3, room, host, wobble, fraction, severity, rng=rng)
        if lesion is not None:
            drawn.append(lesion)
    return LesionMaps(fraction, severity, tuple(drawn))


def _by_size(places: Sequence[Zone], sizes: np.ndarray) -> list[tuple[Zone, float]]:
    """Largest first: what is small still finds room."""
    order = np.argsort(-sizes, kind="stable")
    return [(places[i], float(sizes[i])) for i in order]


def _sizes_mm3(places: Sequence[Zone], total_ml: float, *, rng: np.random.Generator) -> np.ndarray:
    """Log-normal volumes between the smallest and the largest, scaled towards the total load."""
    relative = np.exp(LOG_SIZE_SPREAD * rng.standard_normal(len(places))) * [PLACE_SIZE[p] for p in places]
    sizes = relative
    for _ in range(6):
        # Clipping changes the sum, so scaling is repeated until it has settled.
        sizes = np.clip(sizes * total_ml * MM3_PER_ML / max(sizes.sum(), 1e-9), SMALLEST_MM3, LARGEST_MM3)
    return np.asarray(sizes)


@dataclass(frozen=True)
class _Room:
    """What placement looks up: candidate voxels (n, 3) by place, distance from the ventricles, and its direction."""

    anatomy: Anatomy
    candidates: dict[Zone, np.ndarray]
    from_ventricle_mm: np.ndarray

    @classmethod
    def around(cls, anatomy: Anatomy, host: np.ndarray) -> _Room:
        spacing = anatomy.frame.spacing_mm
        ventricles = anatomy.ventricles > 0.5
        distance = ndimage.distance_transform_edt(~ventricles, sampling=spacing).astype(np.float32)
        white = host > 0.8
        depth = ndimage.distance_transform_edt(anatomy.white > 0.5, sampling=spacing)
        below, deep = anatomy.hindbrain > 0.5, anatomy.deep > 0.3
        cerebral = white & ~below
        areas = {
            Zone.PERIVENTRICULAR: cerebral & ~deep & (distance > 1) & (distance < 7),
            Zone.DEEP: cerebral & ~deep & (distance > 8) & (depth > 4),
            Zone.JUXTACORTICAL: cerebral & ~deep & (distance > 14) & (depth > 1) & (depth < 3),
            Zone.INFRATENTORIAL: white & below & (depth > 2),
        }
        return cls(anatomy, {place: np.argwhere(area) for place, area in areas.items()}, distance)

    def wall_direction(self, voxel: np.ndarray) -> np.ndarray:
        """Unit vector (x, y, z) that leads away from the ventricle's wall."""
        z, y, x = voxel
        around = self.from_ventricle_mm[max(z - 2, 0) : z + 3, max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
        slope = np.array([float(np.mean(g)) for g in np.gradient(around)])[::-1]
        return np.asarray(slope / max(float(np.linalg.norm(slope)), 1e-6))


def _add_lesion(
    place: Zone,
    volume_mm3: float,
    room: _Room,
    host: np.ndarray,
    wobble: np.ndarray,
    fraction: np.ndarray,
    severity: np.ndarray,
    *,
    rng: np.random.Generator,
) -> PlacedLesion | None:
    """Draw one lesion into the maps; None where its place has no room left (a small crop of a head, say)."""
    seeds = _free_voxels(room.candidates[place], fraction, rng=rng)
    if not seeds:
        return None
    spacing = room.anatomy.frame.spacing_mm
    border_mm = max(float(rng.uniform(1.2, 2.4)), spacing)
    shapes = [(voxel, *_shape(place, room, voxel, rng=rng)) for voxel in seeds[: TRIED_PLACES[place]]]
    scale_mm = (volume_mm3 * 3 / (4 * np.pi)) ** (1 / 3)

    def fit(shape: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
        window, part = _ellipsoid(shape[0], scale_mm * shape[2], shape[1], border_mm, wobble, spacing)
        return float((part * host[window] * (1 - fraction[window])).sum())

    # A large lesion lies where there is room for it, rather than squeezed into a blade of white matter.
    voxel, turn, ratio = max(shapes, key=fit)
    for _ in range(GROWTH_STEPS):
        # Part of an ellipsoid lies outside white matter: it grows until what is left has the volume that was drawn.
        window, part = _ellipsoid(voxel, scale_mm * ratio, turn, border_mm, wobble, spacing)
        part = part * host[window]
        reached = float(part.sum()) * spacing**3
        scale_mm *= float(np.clip((volume_mm3 / max(reached, 1.0)) ** (1 / 3), 0.6, 1.6))
    strength = float(np.clip(rng.normal(1.0, 0.18), 0.6, 1.5))
    stronger = part > fraction[window]
    severity[window][stronger] = strength
    fraction[window] = np.maximum(fraction[window], part)
    center = np.asarray(room.anatomy.frame.grid.origin_mm) + voxel[::-1] * spacing
    half_axes = tuple(float(v) for v in scale_mm * ratio)
    return PlacedLesion(place, tuple(float(v) for v in center), half_axes, border_mm, strength, reached)  # type: ignore[arg-type]


def _free_voxels(candidates: np.ndarray, fraction: np.ndarray, *, rng: np.random.Generator) -> list[np.ndarray]:
    """A few places (z, y, x) that no other lesion has taken."""
    if len(candidates) == 0:
        return []
    tried = candidates[rng.integers(len(candidates), size=max(TRIED_PLACES.values()))]
    return [voxel for voxel in tried if fraction[tuple(voxel)] < 0.05]


def _shape(place: Zone, room: _Room, voxel: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (columns are the lesion's axes in x, y, z) and relative half axes with product about 1."""
    ratio = np.exp(rng.normal(0, 0.18, size=3))
    turn = Rotation.random(random_state=rng).as_matrix()
    if place is Zone.PERIVENTRICULAR:
        along = room.wall_direction(voxel)
        other = np.cross(along, turn[:, 0])
        other /= max(float(np.linalg.norm(other)), 1e-6)
        turn = np.stack([along, other, np.cross(along, other)], axis=1)
        ratio *= np.array([1.5, 0.9, 0.75])
    return turn, ratio / np.prod(ratio) ** (1 / 3)


def _ellipsoid(
    voxel: np.ndarray,
    half_axes_mm: np.ndarray,
    turn: np.ndarray,
    border_mm: float,
    wobble: np.ndarray,
    spacing_mm: float,
) -> tuple[tuple[slice, ...], np.ndarray]:
    """The array window around a bumpy ellipsoid and the fraction (z, y, x) of each voxel in it, falling over border_mm."""
    reach = int(np.ceil((1.5 * half_axes_mm.max() + border_mm) / spacing_mm)) + 1
    window = tuple(slice(max(0, p - reach), min(n, p + reach + 1)) for p, n in zip(voxel, wobble.shape, strict=True))
    z, y, x = ((np.arange(s.start, s.stop) - p) * spacing_mm for s, p in zip(window, voxel, strict=True))
    offset = np.stack(np.broadcast_arrays(x[None, None, :], y[None, :, None], z[:, None, None]), axis=-1)
    radius = np.linalg.norm((offset @ turn) / half_axes_mm, axis=-1) + 0.16 * wobble[window]
    mean_mm = float(np.prod(half_axes_mm) ** (1 / 3))
    return window, np.clip((1 - radius) * mean_mm / border_mm + 0.5, 0, 1).astype(np.float32)


def _side_mask(anatomy: Anatomy, side: Side | None) -> np.ndarray:
    """1 where lesions may be. x grows to the left (LPS)."""
    x, _, _ = anatomy.frame.coordinates_mm()
    if side is None:
        return np.ones_like(x)
    return ((x if side == "left" else -x) > MIDLINE_MM).astype(np.float32)
