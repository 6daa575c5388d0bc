"""Where a sample lies in its case and how it is turned: all moves composed into one grid, sampled once.

A voxel of the sample at o (voxels from its center) shows the case at center + M o + elastic(o), M = rotation · turns / scale: one
trilinear interpolation for images, label and weight alike. Flips, quarter turns and transposes alone move whole voxels
and are done without interpolation. Only the box that the sample needs is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.training.data.augmentation import CHANCE
from MSSoftSegLib.training.data.augmentation.fields import spline_field
from MSSoftSegLib.training.recipe import AugmentationSettings

# Control points of the elastic deformation lie this far apart: lesions bend with their surroundings, they do not dissolve.
ELASTIC_KNOT_MM = 24.0
# A voxel counts as brain when at least this much of what it interpolates is.
BRAIN_SHARE = 0.5


@dataclass(frozen=True)
class Volume:
    """A whole case as (possibly mapped) arrays: images (c, z, y, x), label, brain, confidence (z, y, x)."""

    images: np.ndarray
    label: np.ndarray
    brain: np.ndarray
    confidence: np.ndarray | None
    spacing_mm: float


@dataclass(frozen=True)
class SpatialDraw:
    """rotation_deg: about z, y, x. scale: 1.1 shows things a tenth larger. flip: per axis z, y, x. quarter_turns: of y
    towards x. elastic_mm: largest displacement along an axis; elastic_seed makes the field."""

    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    flip: tuple[bool, bool, bool] = (False, False, False)
    quarter_turns: int = 0
    transpose: bool = False
    elastic_mm: float = 0.0
    elastic_seed: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether whole voxels move onto whole voxels."""
        return not any(self.rotation_deg) and self.scale == 1.0 and self.elastic_mm == 0.0

    def turns(self) -> np.ndarray:
        """3×3 signed permutation (z, y, x): flips, then quarter turns, then transpose, of the sample's axes."""
        flip = np.diag([-1.0 if flipped else 1.0 for flipped in self.flip])
        quarter = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
        swap = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]]) if self.transpose else np.eye(3)
        return flip @ np.linalg.matrix_power(quarter, self.quarter_turns) @ swap

    def case_from_sample(self) -> np.ndarray:
        """M: 3×3, offsets (z, y, x) in the sample to offsets in the case, without the elastic part."""
        if self.is_exact:
            return self.turns()
        rotation = Rotation.from_euler("ZYX", self.rotation_deg, degrees=True).as_matrix()[::-1, ::-1]
        return np.asarray(rotation @ self.turns() / self.scale)


@dataclass(frozen=True)
class Window:
    """The sample's size (z, y, x; z = 1 for a slice) and the voxel coordinates of its center in the case."""

    size: tuple[int, int, int]
    center: tuple[float, float, float]


def draw_spatial(settings: AugmentationSettings, *, rng: np.random.Generator, flat: bool) -> SpatialDraw:
    """flat: a slice is turned within itself only."""
    limit = settings.rotation_deg
    angles = [float(rng.uniform(-limit, limit)) if limit > 0 else 0.0 for _ in range(3)]
    flips = [bool(rng.random() < settings.flip) for _ in range(3)]
    if flat:
        angles[1:], flips[0] = [0.0, 0.0], False
    return SpatialDraw(
        rotation_deg=(angles[0], angles[1], angles[2]),
        scale=float(rng.uniform(1 - settings.scale, 1 + settings.scale)) if settings.scale > 0 else 1.0,
        flip=(flips[0], flips[1], flips[2]),
        quarter_turns=int(rng.integers(4)) if settings.quarter_turns else 0,
        transpose=bool(rng.random() < settings.transpose),
        elastic_mm=float(rng.uniform(0, settings.elastic_mm)) if rng.random() < CHANCE else 0.0,
        elastic_seed=int(rng.integers(2**31)),
    )


def apply_spatial(volume: Volume, window: Window, draw: SpatialDraw) -> tuple[Tensor, Tensor, Tensor]:
    """Images (c, z, y, x), label (1, z, y, x) and weight (1, z, y, x) in the window; zeros beyond the case.

    Images and confidence are interpolated between brain voxels only, so nothing outside darkens the brain's border.
    """
    if draw.is_exact:
        return _moved_whole(volume, window, draw.turns())
    points = _points(window, draw, volume.spacing_mm)
    flat = window.size[0] == 1 and not any(draw.rotation_deg[1:])
    low, high = _box_around(window, draw, volume, flat=flat)
    box = _read(volume, tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True)), together=True)
    # Voxel (z, y, x) to −1…1 (x, y, z) between the centers of the box's first and last voxel.
    extent = torch.from_numpy(np.maximum(high - low, 1).astype(np.float32))
    unit = ((points - torch.from_numpy(low.astype(np.float32))) * (2 / extent) - 1).flip(-1)
    sampled = _sampled(box, unit, flat=flat)
    share, weight, label, images = sampled[:1], sampled[-1:], sampled[1:2], sampled[2 : 2 + volume.images.shape[0]]
    brain = share >= BRAIN_SHARE
    between_brain = brain / share.clamp(min=BRAIN_SHARE)
    weight = brain.float() if volume.confidence is None else (weight * between_brain).clamp(0, 1)
    return images * between_brain, label.clamp(0, 1), weight


def _box_around(window: Window, draw: SpatialDraw, volume: Volume, *, flat: bool) -> tuple[np.ndarray, np.ndarray]:
    """First and last voxel (z, y, x) of the case that the sample can be interpolated from."""
    last = np.array(volume.label.shape) - 1
    reach = np.abs(draw.case_from_sample()) @ ((np.array(window.size) - 1) / 2)
    # Where points may bend to, and a little more: they are rounded to 32 bits.
    reach += draw.elastic_mm / volume.spacing_mm + 1e-3
    if flat:
        reach[0] = 0.0
    low = np.clip(np.floor(np.array(window.center) - reach).astype(int), 0, last)
    high = np.clip(np.ceil(np.array(window.center) + reach).astype(int), 0, last)
    # A single layer has no −1…1: the sampler would repeat it everywhere.
    single = (low == high) & ~np.array([flat, False, False])
    return np.where(single, np.maximum(low - 1, 0), low), np.where(single, np.minimum(high + 1, last), high)


def _sampled(box: Tensor, unit: Tensor, *, flat: bool) -> Tensor:
    """Channels of a box at points (z, y, x, 3), trilinear, 0 beyond it; within a slice, bilinear is the same and faster."""
    if flat:
        box, unit = box[:, 0], unit[0, ..., :2]
    found = functional.grid_sample(box[None], unit[None], mode="bilinear", padding_mode="zeros", align_corners=True)[0]
    return found[:, None] if flat else found


def _points(window: Window, draw: SpatialDraw, spacing_mm: float) -> Tensor:
    """(z, y, x, 3) float32: voxel coordinates (z, y, x) in the case of each voxel of the sample."""
    matrix = torch.from_numpy(draw.case_from_sample().astype(np.float32))
    axes = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in window.size]
    z, y, x = axes[0][:, None, None, None], axes[1][:, None, None], axes[2][:, None]
    points = z * matrix[:, 0] + (
        y * matrix[:, 1] + (x * matrix[:, 2] + torch.tensor(window.center, dtype=torch.float32))
    )
    if draw.elastic_mm > 0:
        rng = np.random.default_rng(draw.elastic_seed)
        # A slice bends within itself.
        moving = 2 if window.size[0] == 1 else 3
        bend = spline_field(window.size, ELASTIC_KNOT_MM / spacing_mm, channels=moving, rng=rng)
        bend = torch.cat([bend.new_zeros(3 - moving, *window.size), bend])
        points = points + bend.movedim(0, -1) * (draw.elastic_mm / spacing_mm)
    return points


def _moved_whole(volume: Volume, window: Window, turns: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """The window by copying voxels: the box read, its axes exchanged and reversed."""
    size = np.abs(turns) @ np.array(window.size)
    start = np.rint(np.array(window.center) - (size - 1) / 2).astype(int)
    low, high = np.maximum(start, 0), np.minimum(start + size.astype(int), volume.label.shape)
    box = _read(volume, tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True)), together=False)
    padding = [(a - s, s + n - max(a, b)) for s, n, a, b in zip(start, size.astype(int), low, high, strict=True)]
    box = functional.pad(box, [part for pair in reversed(padding) for part in pair])
    axes = np.argmax(np.abs(turns), axis=0)
    backwards = [1 + i for i, axis in enumerate(axes) if turns[axis, i] < 0]
    moved = box.permute(0, *(1 + int(axis) for axis in axes)).flip(backwards).contiguous()
    weight = moved[:1] if volume.confidence is None else moved[-1:]
    return moved[2 : 2 + volume.images.shape[0]], moved[1:2], weight


def _read(volume: Volume, box: tuple[slice, ...], *, together: bool) -> Tensor:
    """(c, z, y, x) float32: brain, label, images and, if there is one, confidence, 0 outside the brain.

    together: a voxel's channels lie side by side in memory, which makes sampling a third faster.
    """
    brain = volume.brain[box]
    channels = [brain, volume.label[box], *(image[box] for image in volume.images)]
    if volume.confidence is not None:
        channels.append(brain * volume.confidence[box])
    axis = -1 if together else 0
    return torch.from_numpy(np.stack(channels, axis=axis, dtype=np.float32)).movedim(axis, 0)
