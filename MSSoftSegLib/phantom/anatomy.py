"""One person's brain, drawn from the atlas: bent, sharpened and asymmetric, with ventricles of her own size.

The atlas is an average of many brains: too large, too symmetric and too blurred to be anybody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.phantom.fields import smooth_field
from MSSoftSegLib.phantom.frame import Frame
from MSSoftSegLib.resources import find_resources

# The template's brain is about a tenth larger than a person's.
TEMPLATE_SCALE = 0.92
# Raising fractions to a power brings back one person's sharp borders; deep gray is truly a mixture and is sharpened less.
CORTEX_SHARPNESS = 3.5
DEEP_SHARPNESS = 1.7
# Averaging blurs sulci, and the white blades of gyri, away more than it blurs cortex.
SULCUS_WEIGHT = 1.8
WHITE_WEIGHT = 1.12
# Boxes in the atlas' space, LPS mm (low, high): where lateral and third ventricles lie, deep gray, and below the tentorium.
VENTRICLE_BOX = ((-33.0, -48.0, -12.0), (33.0, 60.0, 36.0))
DEEP_BOX = ((-36.0, -24.0, -18.0), (36.0, 36.0, 20.0))
STEM_BOX = ((-20.0, 2.0, -75.0), (20.0, 48.0, -6.0))
HINDBRAIN_BOX = ((-60.0, 30.0, -75.0), (60.0, 105.0, -22.0))


@dataclass(frozen=True)
class Anatomy:
    """A brain on its window of the patient frame; all maps are float32 (z, y, x), 0–1.

    csf + gray + white = brain. ventricles is the part of csf inside the brain; deep says where gray matter is of the
    basal ganglia, thalamus or brain stem; hindbrain where cerebellum and brain stem are.
    """

    frame: Frame
    csf: np.ndarray
    gray: np.ndarray
    white: np.ndarray
    ventricles: np.ndarray
    deep: np.ndarray
    hindbrain: np.ndarray

    @property
    def brain(self) -> np.ndarray:
        """Fraction of each voxel that is brain or fluid within its envelope."""
        return self.csf + self.gray + self.white


@dataclass(frozen=True)
class _Atlas:
    """Atlas maps, float32 (z, y, x) at 1 mm, and the index (z, y, x) of the brain's middle.

    inward: vectors (3, z, y, x) at 2 mm, about 1 long at a ventricle's wall, pointing into the ventricle.
    """

    gray: np.ndarray
    white: np.ndarray
    brain: np.ndarray
    ventricles: np.ndarray
    deep: np.ndarray
    hindbrain: np.ndarray
    inward: np.ndarray
    middle: np.ndarray


def draw_anatomy(spacing_mm: float, *, rng: np.random.Generator) -> Anatomy:
    """One person's tissue fractions at a spacing; everything random comes from rng."""
    atlas = _load_atlas()
    frame = Frame.brain(spacing_mm)
    points = _atlas_points(atlas, frame, rng=rng)
    blur = 0.45 * max(0.0, spacing_mm - 1.0)

    def sampled(volume: np.ndarray) -> np.ndarray:
        return ndimage.map_coordinates(volume, points, order=1, prefilter=False)

    # Coarse voxels would alias cortex; everything else is wider than they are.
    gray, white = (sampled(ndimage.gaussian_filter(part, blur) if blur else part) for part in (atlas.gray, atlas.white))
    brain = sampled(atlas.brain)
    deep, ventricles, hindbrain = sampled(atlas.deep), sampled(atlas.ventricles), sampled(atlas.hindbrain)
    csf, gray, white = _sharpened(gray, white, brain, np.maximum(deep, ventricles), frame, rng=rng)
    return Anatomy(frame, csf, gray, white, np.minimum(csf, ventricles), deep, hindbrain)


def carry_labels(labels: np.ndarray, spacing_mm: float, *, rng: np.random.Generator) -> np.ndarray:
    """Labels of the atlas (z, y, x; on its maps' grid) where this person has them; rng in the state that draws the anatomy."""
    atlas = _load_atlas()
    points = _atlas_points(atlas, Frame.brain(spacing_mm), rng=rng)
    carried: np.ndarray = ndimage.map_coordinates(labels, points, order=0, prefilter=False)
    return carried


@cache
def _load_atlas() -> _Atlas:
    folder = find_resources() / "Atlas"
    images = {
        stem: sitk.ReadImage(str(folder / f"{stem}.nii.gz")) for stem in ("gray_matter", "white_matter", "csf", "brain")
    }
    gray, white, csf, brain = (sitk.GetArrayFromImage(image).astype(np.float32) / 255 for image in images.values())
    origin_mm = images["brain"].GetOrigin()

    def box(bounds: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
        return _box(gray.shape, origin_mm, *bounds)

    ventricles = _ventricles(csf, origin_mm)
    deep = ndimage.gaussian_filter(np.maximum(box(DEEP_BOX), box(STEM_BOX)), 3.0)
    hindbrain = np.maximum(box(HINDBRAIN_BOX), box(STEM_BOX))
    occupied = np.argwhere(brain > 0.5)
    middle = (occupied.min(axis=0) + occupied.max(axis=0)) / 2
    return _Atlas(gray, white, brain, ventricles, deep, hindbrain, _inward(ventricles), middle)


def _ventricles(csf: np.ndarray, origin_mm: tuple[float, ...]) -> np.ndarray:
    """Lateral and third ventricles with a soft margin that their fluid cannot fill, 0–1."""
    window = _window(csf.shape, origin_mm, *VENTRICLE_BOX)
    fluid = csf[window] > 0.5
    parts, count = ndimage.label(ndimage.binary_opening(fluid))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    # The two largest pieces; cisterns cut off by the box are thin.
    inside = np.isin(parts, 1 + np.argsort(sizes)[-2:]) & fluid
    whole = np.zeros_like(csf)
    whole[window] = ndimage.gaussian_filter(ndimage.binary_dilation(inside, iterations=2).astype(np.float32), 0.7)
    return whole


def _window(
    shape: tuple[int, ...], origin_mm: tuple[float, ...], low: tuple[float, ...], high: tuple[float, ...]
) -> tuple[slice, ...]:
    """The voxels (z, y, x) of a box given in LPS mm; the atlas' voxels are 1 mm."""
    first, last = ([round(v - o) for v, o in zip(end, origin_mm, strict=True)] for end in (low, high))
    return tuple(
        slice(min(max(a, 0), n), min(max(b, 0), n)) for a, b, n in zip(first[::-1], last[::-1], shape, strict=True)
    )


def _box(
    shape: tuple[int, ...], origin_mm: tuple[float, ...], low: tuple[float, ...], high: tuple[float, ...]
) -> np.ndarray:
    inside = np.zeros(shape, dtype=np.float32)
    inside[_window(shape, origin_mm, low, high)] = 1
    return inside


def _atlas_points(atlas: _Atlas, frame: Frame, *, rng: np.random.Generator) -> np.ndarray:
    """For each voxel of the frame its index (z, y, x) in the atlas, float32 (3, z, y, x)."""
    x, y, z = frame.coordinates_mm()
    scale = TEMPLATE_SCALE * rng.uniform(0.97, 1.03) * rng.uniform(0.98, 1.02, size=3)
    points = np.empty((3, *frame.shape), dtype=np.float32)
    for axis, coordinate in enumerate((z, y, x)):
        points[axis] = coordinate / scale[axis] + atlas.middle[axis]
    for scale_mm, amplitude_mm in ((45.0, 2.2), (17.0, 1.2)):
        for axis in range(3):
            points[axis] += amplitude_mm * smooth_field(frame.shape, scale_mm / frame.spacing_mm, rng=rng)
    points[1] += _petalia(x, y, rng=rng)
    growth_mm = rng.uniform(0.3, 2.2)
    points += growth_mm * _toward_ventricles(atlas, points)
    return points


def _petalia(x: np.ndarray, y: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Shift along y (mm): one hemisphere protrudes in front and the other behind, usually right frontal, left occipital."""
    side = 1.0 if rng.random() < 0.8 else -1.0
    return side * rng.uniform(1.0, 3.0) * np.tanh(-x / 20) * np.clip(np.abs(y) / 80, 0, 1)


def _inward(ventricles: np.ndarray) -> np.ndarray:
    """Slope of the blurred ventricles at half the resolution, scaled to about 1 at their walls."""
    half = ndimage.zoom(ventricles, 0.5, order=1, grid_mode=True, mode="grid-constant")
    slopes = np.stack(np.gradient(ndimage.gaussian_filter(half, 2.0)))
    wall = (half > 0.3) & (half < 0.7)
    scaled: np.ndarray = slopes / np.percentile(np.linalg.norm(slopes, axis=0)[wall], 75)
    return scaled.astype(np.float32)


def _toward_ventricles(atlas: _Atlas, points: np.ndarray) -> np.ndarray:
    """The inward vectors at atlas points: sampling further inwards makes the ventricles larger."""
    at = ((points + 0.5) / 2 - 0.5).astype(np.float32)
    return np.stack([ndimage.map_coordinates(slope, at, order=1, prefilter=False) for slope in atlas.inward])


def _sharpened(
    gray: np.ndarray, white: np.ndarray, brain: np.ndarray, mild: np.ndarray, frame: Frame, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fluid, gray and white fractions that sum to ``brain``, with borders of one person; ``mild`` where mixtures are real."""
    power = CORTEX_SHARPNESS + (DEEP_SHARPNESS - CORTEX_SHARPNESS) * np.clip(mild, 0, 1)
    width = np.exp(0.22 * smooth_field(frame.shape, 22 / frame.spacing_mm, rng=rng))
    csf_weight = 1 + (SULCUS_WEIGHT * width - 1) * (1 - np.clip(mild, 0, 1))
    csf = np.clip(brain - gray - white, 0, 1) * csf_weight
    parts = [np.power(np.maximum(part, 0), power, dtype=np.float32) for part in (csf, gray, WHITE_WEIGHT * white)]
    total = np.maximum(parts[0] + parts[1] + parts[2], 1e-6)
    share = np.clip(brain, 0, 1) / total
    # Where nothing but a trace of brain is left, the trace is fluid.
    rest = np.where(total <= 1e-6, np.clip(brain, 0, 1), 0)
    return parts[0] * share + rest, parts[1] * share, parts[2] * share
