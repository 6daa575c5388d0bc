"""The head around a brain: meninges, skull, scalp, face and neck, grown in layers of distance.

Not anybody's head: a skull vault of smoothly varying thickness around the brain's hull, and ellipsoids for what a brain
extraction must tell from brain (eyes, sinuses, jaw, neck muscles). Distances are computed on a coarse lattice and interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.phantom.fields import Shape, smooth_field
from MSSoftSegLib.phantom.frame import Frame
from MSSoftSegLib.phantom.tissues import Tissue

# Distances are computed no finer than this, or than one and a half voxels, and interpolated from there.
FINEST_DISTANCE_MM = 2.0
HULL_MM = 9.0
HULL_SMOOTHNESS_MM = 4.0
SCALP_SMOOTHNESS_MM = 5.0
FAR_MM = 60.0
SKIN_MM = 2.0
TABLE_MM = 1.5
DURA_MM = 1.0
CORD_RADIUS_MM = 5.5

# Ellipsoids: center and half axes (x, y, z) in LPS mm from the middle of the brain; those off the midline are mirrored.
Ellipsoid = tuple[tuple[float, float, float], tuple[float, float, float]]
FACE: tuple[Ellipsoid, ...] = (((0, -46, -78), (62, 52, 78)), ((0, -98, -74), (12, 17, 17)))
NECK: tuple[Ellipsoid, ...] = (((0, 18, -105), (60, 60, 120)),)
EARS: tuple[Ellipsoid, ...] = (((77, 14, -42), (7, 14, 24)),)
EYES: tuple[Ellipsoid, ...] = (((31, -76, -42), (12, 12, 12)),)
ORBITS: tuple[Ellipsoid, ...] = (((29, -66, -42), (18, 22, 17)),)
SINUSES: tuple[Ellipsoid, ...] = (
    ((27, -62, -76), (13, 16, 17)),
    ((4, -66, -74), (3, 32, 20)),
    ((8, -62, -46), (5, 20, 12)),
    ((8, -34, -46), (8, 11, 8)),
    ((12, -86, -24), (13, 4, 8)),
    ((0, -22, -98), (11, 7, 34)),
)
MASTOIDS: tuple[Ellipsoid, ...] = (((54, 24, -56), (12, 15, 18)), ((34, 8, -52), (20, 10, 9)))
JAWS: tuple[Ellipsoid, ...] = (((45, -34, -92), (5, 15, 30)), ((24, -84, -108), (16, 8, 9)))


@dataclass(frozen=True)
class _Distances:
    """Distances (mm) on the patient grid: outwards from the brain's hull (negative inside, without meaning as a distance),
    inwards from the skin's surface (negative in air), and from the cord's axis."""

    from_hull: np.ndarray
    depth: np.ndarray
    from_cord: np.ndarray


def draw_head(brain: np.ndarray, brain_frame: Frame, head_frame: Frame, *, rng: np.random.Generator) -> np.ndarray:
    """Tissue labels uint8 (z, y, x) of everything around the brain (brain: fraction on its own window)."""
    distances = _distances(brain, brain_frame, head_frame, rng=rng)
    shape, spacing = head_frame.shape, head_frame.spacing_mm
    labels = np.where(distances.depth > 0, np.uint8(Tissue.MUSCLE), np.uint8(Tissue.AIR))
    streaks = smooth_field(shape, 7 / spacing, rng=rng)
    labels[(streaks > 0.75) & (labels == Tissue.MUSCLE)] = Tissue.FAT
    _draw_face(labels, head_frame, streaks, distances, rng=rng)
    _draw_vault(labels, head_frame, distances, rng=rng)
    _draw_scalp(labels, head_frame, distances, rng=rng)
    return labels


def _distances(brain: np.ndarray, brain_frame: Frame, head_frame: Frame, *, rng: np.random.Generator) -> _Distances:
    coarse_mm = max(FINEST_DISTANCE_MM, 1.5 * head_frame.spacing_mm)
    coarse, window = Frame.head(coarse_mm), Frame.brain(coarse_mm)
    solid = np.zeros(coarse.shape, dtype=bool)
    solid[window.window_in(coarse)] = _refined(brain, brain_frame, window) > 0.5
    cord = _cord(solid, coarse)
    hull = _hull(solid | (cord <= CORD_RADIUS_MM + 2.5), coarse_mm)
    from_hull = _outside_mm(hull, coarse_mm) - 2.0 * hull
    thickness = 13.0 + 1.0 * smooth_field(coarse.shape, 45 / coarse_mm, rng=rng) + _temporal_muscle(coarse)
    # The scalp is rounder than the skull.
    surface = thickness - ndimage.gaussian_filter(from_hull, SCALP_SMOOTHNESS_MM / coarse_mm)
    for ellipsoids in (FACE, NECK):
        surface = _smooth_union(surface, _inside_mm(coarse, ellipsoids), softness_mm=9.0)
    surface = np.maximum(surface, _inside_mm(coarse, EARS))
    # Deep below the skin a true distance counts, which the union of unlike shapes is not; near it the level is finer.
    depth = np.where(surface < 1.0, np.maximum(surface, -2.0), _outside_mm(surface <= 0, coarse_mm))
    return _Distances(*(_refined(volume, coarse, head_frame) for volume in (from_hull, depth, cord)))


def _draw_vault(labels: np.ndarray, frame: Frame, distances: _Distances, *, rng: np.random.Generator) -> None:
    """Fluid, dura, and bone of two tables with marrow between them, from the hull outwards."""
    shape, spacing = frame.shape, frame.spacing_mm
    fluid_mm = np.clip(1.2 + 0.7 * smooth_field(shape, 30 / spacing, rng=rng), 0.3, 4.0)
    marrow_mm = np.clip(2.2 + 1.3 * smooth_field(shape, 25 / spacing, rng=rng), 0.0, 5.0)
    from_dura = distances.from_hull - fluid_mm
    bone = (from_dura > DURA_MM) & (from_dura <= DURA_MM + 2 * TABLE_MM + marrow_mm) & (distances.depth > SKIN_MM)
    marrow = bone & (from_dura > DURA_MM + TABLE_MM) & (from_dura <= DURA_MM + TABLE_MM + marrow_mm)
    labels[bone] = Tissue.BONE
    labels[marrow] = Tissue.MARROW
    labels[(from_dura <= DURA_MM) & (distances.depth > SKIN_MM)] = Tissue.DURA
    labels[from_dura <= 0] = Tissue.CSF
    x, y, z = frame.coordinates_mm()
    # The sagittal sinus runs along the vault's midline, blood under the bone.
    sinus = (np.abs(x) < 4.5) & (distances.from_hull > -1.0) & (distances.from_hull < 4.5 - 0.6 * np.abs(x))
    labels[sinus & ((z > 10) | ((y > 40) & (z > -35)))] = Tissue.BLOOD
    labels[distances.from_cord <= CORD_RADIUS_MM] = Tissue.WHITE


def _draw_scalp(labels: np.ndarray, frame: Frame, distances: _Distances, *, rng: np.random.Generator) -> None:
    """Skin, and fat beneath it, wherever bone or fluid is not nearer."""
    _, y, z = frame.coordinates_mm()
    neck = np.clip((y - 40) / 40, 0, 1) * np.clip((-z - 20) / 40, 0, 1)
    fat_mm = np.clip(3.2 + 1.1 * smooth_field(frame.shape, 30 / frame.spacing_mm, rng=rng), 1.0, 7.0) + 5 * neck
    soft = np.isin(labels, (Tissue.MUSCLE, Tissue.FAT))
    labels[soft & (distances.depth < SKIN_MM + fat_mm)] = Tissue.FAT
    labels[(distances.depth > 0) & (distances.depth < SKIN_MM)] = Tissue.SKIN


def _draw_face(
    labels: np.ndarray, frame: Frame, streaks: np.ndarray, distances: _Distances, *, rng: np.random.Generator
) -> None:
    """Orbits with eyes, air sinuses in thin bone, petrous bone with air cells, jaws; all outside the skull's inner side."""
    outside = (distances.from_hull > 2.5) & (distances.depth > SKIN_MM)

    def fill(ellipsoids: Sequence[Ellipsoid], tissue: Tissue, *, wall_mm: float = 0.0) -> np.ndarray:
        level = _inside_mm(frame, ellipsoids)
        if wall_mm:
            labels[outside & (level > -wall_mm)] = Tissue.BONE
        inside: np.ndarray = outside & (level > 0)
        labels[inside] = tissue
        return inside

    fill(JAWS, Tissue.MARROW, wall_mm=2.0)
    cells = fill(MASTOIDS, Tissue.BONE)
    speckle = smooth_field(frame.shape, 3 / frame.spacing_mm, rng=rng)
    labels[cells & (speckle > 0.4)] = Tissue.AIR
    fill(ORBITS, Tissue.FAT, wall_mm=1.5)
    x, _, z = frame.coordinates_mm()
    muscles = np.abs(np.hypot(np.abs(x) - 28, z + 42) - 11) < 1.6
    labels[(_inside_mm(frame, ORBITS) > 2) & muscles & outside] = Tissue.MUSCLE
    fill(SINUSES, Tissue.AIR, wall_mm=1.2)
    labels[outside & (_inside_mm(frame, EYES) > 0)] = Tissue.VITREOUS


def _inside_mm(frame: Frame, ellipsoids: Sequence[Ellipsoid]) -> np.ndarray:
    """About how deep (mm) each voxel lies in the union of the ellipsoids and their mirror images; negative outside."""
    x, y, z = frame.coordinates_mm()
    level = np.full(frame.shape, -FAR_MM, dtype=np.float32)
    for (cx, cy, cz), half_axes in ellipsoids:
        sides = (x,) if cx == 0 else (np.abs(x),)
        for side in sides:
            a, b, c = half_axes
            radius = np.sqrt(((side - cx) / a) ** 2 + ((y - cy) / b) ** 2 + ((z - cz) / c) ** 2)
            np.maximum(level, (1 - radius) * min(half_axes), out=level)
    return level


def _smooth_union(first: np.ndarray, second: np.ndarray, *, softness_mm: float) -> np.ndarray:
    """The larger of two levels, with the crease between them filled like a fold of skin."""
    blend = np.clip(softness_mm - np.abs(first - second), 0, None)
    filled: np.ndarray = np.maximum(first, second) + blend**2 / (4 * softness_mm)
    return filled


def _temporal_muscle(frame: Frame) -> np.ndarray:
    """Additional scalp thickness (mm) over the temples."""
    x, y, z = frame.coordinates_mm()
    bump = np.exp(-0.5 * (((y + 25) / 28) ** 2 + ((z + 28) / 24) ** 2)) * np.clip((np.abs(x) - 40) / 15, 0, 1)
    return (6.0 * bump).astype(np.float32)


def _cord(brain: np.ndarray, frame: Frame) -> np.ndarray:
    """Distance (mm) from the axis of the spinal cord, which goes on where the brain stem ends."""
    x, y, z = frame.coordinates_mm()
    lowest = int(np.flatnonzero(brain.any(axis=(1, 2)))[0])
    stem = np.argwhere(brain[lowest : lowest + 3].any(axis=0)).mean(axis=0)
    stem_y, stem_x = (float(first + i * frame.spacing_mm) for first, i in zip((y.min(), x.min()), stem, strict=True))
    stem_z = float(z.min() + (lowest + 2) * frame.spacing_mm)
    below = np.minimum(z - stem_z, 0)
    distance: np.ndarray = np.sqrt(
        (x - stem_x) ** 2 + (y - stem_y + 0.12 * below) ** 2 + np.maximum(z - stem_z, 0) ** 2
    )
    return distance.astype(np.float32)


def _hull(solid: np.ndarray, spacing_mm: float) -> np.ndarray:
    """What the skull follows: fissures and sulci are bridged, corners rounded."""
    margin = int(np.ceil(HULL_MM / spacing_mm)) + 3
    padded = np.pad(solid, margin)
    grown = _outside_mm(padded, spacing_mm) <= HULL_MM
    from_border = _outside_mm(~grown, spacing_mm)
    rounded = ndimage.gaussian_filter(from_border, HULL_SMOOTHNESS_MM / spacing_mm) > HULL_MM
    return np.asarray(rounded[(slice(margin, -margin),) * 3] | solid)


def _outside_mm(solid: np.ndarray, spacing_mm: float) -> np.ndarray:
    """Distance (mm) of each voxel from a mask, 0 inside it; half a voxel is taken off: the border lies between voxels."""
    distance = ndimage.distance_transform_edt(~solid, sampling=spacing_mm).astype(np.float32)
    return np.maximum(distance - np.float32(spacing_mm / 2), 0)


def _refined(volume: np.ndarray, source: Frame, target: Frame) -> np.ndarray:
    """A volume on another lattice of the patient frame, linearly interpolated axis by axis; edges are continued."""
    result = volume.astype(np.float32)
    for axis in range(3):
        first, begin = target.grid.origin_mm[2 - axis], source.grid.origin_mm[2 - axis]
        position = (first + np.arange(target.shape[axis]) * target.spacing_mm - begin) / source.spacing_mm
        position = np.clip(position, 0, volume.shape[axis] - 1)
        low = np.minimum(position.astype(int), max(volume.shape[axis] - 2, 0))
        weight_shape: Shape = tuple(-1 if a == axis else 1 for a in range(3))  # type: ignore[assignment]
        weight = (position - low).astype(np.float32).reshape(weight_shape)
        low_part, high_part = np.take(result, low, axis=axis), np.take(result, low + 1, axis=axis)
        result = low_part + weight * (high_part - low_part)
    return result
