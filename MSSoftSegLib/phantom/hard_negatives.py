"""What looks like lesion and is not: caps and rim of the ventricles, dirty white matter, vessels, perivascular spaces,
choroid plexus, flow in the fluid. Never part of the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import ndimage

from MSSoftSegLib.phantom.anatomy import Anatomy
from MSSoftSegLib.phantom.fields import smooth_field


@dataclass(frozen=True)
class NegativeMaps:
    """Maps float32 (z, y, x), 0–1, on the brain's window; 0 wherever there is any lesion.

    caps, rim, dirty: white matter that tends to gray on FLAIR and T2; perivascular: fluid-filled tubes in white matter and
    basal ganglia; vessels: flow voids in the fluid around the brain; plexus: tissue within ventricles; flow: fluid that
    moves and so escapes FLAIR's suppression.
    """

    caps: np.ndarray
    rim: np.ndarray
    dirty: np.ndarray
    perivascular: np.ndarray
    vessels: np.ndarray
    plexus: np.ndarray
    flow: np.ndarray

    def strongest(self) -> np.ndarray:
        """The largest of all maps per voxel."""
        return np.maximum.reduce([getattr(self, field.name) for field in fields(self)])


def draw_hard_negatives(anatomy: Anatomy, lesion: np.ndarray, *, rng: np.random.Generator) -> NegativeMaps:
    """The negatives of one patient whose lesion fractions are known."""
    spacing = anatomy.frame.spacing_mm
    shape = anatomy.frame.shape
    healthy = (lesion <= 0).astype(np.float32)
    near = ndimage.gaussian_filter(anatomy.ventricles, 2.0 / spacing)
    rim = anatomy.white * np.clip(near * 4, 0, 1) * rng.uniform(0.35, 0.7)
    caps = _caps(anatomy, near, rng=rng)
    dirty = anatomy.white * np.clip(0.35 * smooth_field(shape, 12 / spacing, rng=rng) - 0.15, 0, 0.5)
    halo = np.clip(ndimage.gaussian_filter(lesion, 3.0 / spacing) * 1.2, 0, 0.6) * anatomy.white
    spots = np.clip(smooth_field(shape, 3.0 / spacing, rng=rng) - 0.6, 0, 1)
    plexus = anatomy.ventricles * spots * (_behind(anatomy) > 0)
    waves = np.clip(smooth_field(shape, 9 / spacing, rng=rng) - 0.7, 0, 1)
    flow = anatomy.csf * waves * (0.25 + 0.75 * anatomy.hindbrain) * rng.uniform(0.4, 0.9)
    tubes = _perivascular(anatomy, rng=rng)
    vessels = _vessels(anatomy, rng=rng)
    maps = (caps, rim, np.maximum(dirty, halo), tubes, vessels, plexus, flow)
    return NegativeMaps(*((part * healthy).astype(np.float32) for part in maps))


def _behind(anatomy: Anatomy) -> np.ndarray:
    """1 in the rear half of the window, where the plexus of the lateral ventricles is largest."""
    _, y, _ = anatomy.frame.coordinates_mm()
    return (y > 0).astype(np.float32)


def _caps(anatomy: Anatomy, near: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Bright white matter in front of the frontal and behind the occipital horns."""
    inside = anatomy.ventricles > 0.5
    if not inside.any():
        return np.zeros_like(near)
    _, y, z = anatomy.frame.coordinates_mm()
    lateral = inside & (z > -12)
    rows = np.flatnonzero(lateral.any(axis=(0, 2))) if lateral.any() else np.flatnonzero(inside.any(axis=(0, 2)))
    ends = y[0, rows[0], 0], y[0, rows[-1], 0]
    reach = rng.uniform(5.0, 8.0, size=2)
    weight = np.maximum(np.exp(-0.5 * ((y - ends[0]) / reach[0]) ** 2), np.exp(-0.5 * ((y - ends[1]) / reach[1]) ** 2))
    wide = ndimage.gaussian_filter(anatomy.ventricles, 3.0 / anatomy.frame.spacing_mm)
    return anatomy.white * np.clip(wide * 8, 0, 1) * weight * rng.uniform(0.6, 0.95)


def _perivascular(anatomy: Anatomy, *, rng: np.random.Generator) -> np.ndarray:
    """Thin fluid-filled tubes that run from the surface towards the ventricles."""
    deep = np.argwhere((anatomy.white > 0.8) & (anatomy.hindbrain < 0.5))
    starts = deep[rng.integers(len(deep), size=70)]
    target = np.array(anatomy.frame.shape) / 2
    directions = target - starts + rng.normal(0, 12, size=starts.shape)
    lengths_mm = rng.uniform(4, 14, size=len(starts))
    tubes = _tubes(anatomy, starts, directions, lengths_mm, radius_mm=0.55, bend=0.15, rng=rng)
    return tubes * anatomy.white


def _vessels(anatomy: Anatomy, *, rng: np.random.Generator) -> np.ndarray:
    """Arteries as wandering tubes in the fluid outside the ventricles."""
    outer = np.argwhere((anatomy.csf > 0.7) & (anatomy.ventricles < 0.1))
    starts = outer[rng.integers(len(outer), size=60)]
    directions = rng.normal(size=starts.shape)
    lengths_mm = rng.uniform(10, 35, size=len(starts))
    tubes = _tubes(anatomy, starts, directions, lengths_mm, radius_mm=1.0, bend=0.35, rng=rng)
    return tubes * anatomy.csf


def _tubes(
    anatomy: Anatomy,
    starts: np.ndarray,
    directions: np.ndarray,
    lengths_mm: np.ndarray,
    *,
    radius_mm: float,
    bend: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Fraction of each voxel within bent tubes: beads every half voxel, softened to the radius."""
    shape, spacing = anatomy.frame.shape, anatomy.frame.spacing_mm
    beads = np.zeros(shape, dtype=np.float32)
    for start, direction, length_mm in zip(starts, directions, lengths_mm, strict=True):
        steps = max(2, int(2 * length_mm / spacing))
        heading = direction / max(float(np.linalg.norm(direction)), 1e-6)
        headings = heading + np.cumsum(rng.normal(0, bend / np.sqrt(2), size=(steps, 3)), axis=0)
        headings /= np.linalg.norm(headings, axis=1, keepdims=True)
        path = np.rint(start + np.cumsum(0.5 * headings, axis=0)).astype(int)
        path = path[np.all((path >= 0) & (path < np.array(shape)), axis=1)]
        beads[tuple(path.T)] = 1
    sigma = max(radius_mm / spacing, 0.3)
    # A line one voxel wide keeps 1 / (2 π σ²) of its height across a Gaussian, but never gains; a tube thinner than a voxel
    # fills it in part.
    peak = min(1.0, 1 / (2 * np.pi * sigma**2))
    filled = min(1.0, np.pi * (radius_mm / spacing) ** 2)
    return np.clip(ndimage.gaussian_filter(beads, sigma) / peak, 0, 1) * np.float32(filled)
