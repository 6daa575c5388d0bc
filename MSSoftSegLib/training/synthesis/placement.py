"""Where things lie: a random pose and shape of an anatomy, and lesions carried along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.training.synthesis.anatomy_bank import TissueMaps
from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field
from MSSoftSegLib.training.synthesis.lesion_bank import LesionShape


@dataclass(frozen=True)
class Placed:
    """An anatomy on the output grid: tissue fractions (3, z, y, x) and lesion labels (z, y, x) of one patient's lesions."""

    tissues: Tensor
    lesion_labels: Tensor


def place(anatomy: TissueMaps, lesions: LesionShape, shape: Shape, *, rng: np.random.Generator) -> Placed:
    """Draw a pose and deformation, and sample tissues (linear) and lesion labels (nearest) through it."""
    points = _anatomy_points(anatomy, shape, rng=rng)
    tissues = _sample(torch.from_numpy(anatomy.fractions).float(), points, mode="bilinear")
    if rng.random() < 0.6:
        tissues = _narrow_sulci(tissues, rng=rng)
    mirror = bool(rng.integers(2))
    labels = _sample(
        torch.from_numpy(lesions.labels)[None].float(),
        _lesion_points(points, anatomy, lesions, mirror, rng=rng),
        mode="nearest",
    )
    return Placed(tissues, labels[0].long())


def _narrow_sulci(tissues: Tensor, *, rng: np.random.Generator) -> Tensor:
    """Less fluid where it is thin, as much where it is wide: FAST counts each partly fluid voxel as fluid."""
    weights = torch.tensor([rng.uniform(0.15, 1.0), 1.0, rng.uniform(0.8, 1.1)])
    blurred = torch.stack([blur(tissue, 0.7) for tissue in tissues]) * weights[:, None, None, None]
    total = tissues.sum(dim=0).clamp(0, 1)
    return blurred / blurred.sum(dim=0).clamp(min=1e-3) * total


def _anatomy_points(anatomy: TissueMaps, shape: Shape, *, rng: np.random.Generator) -> Tensor:
    """For each output voxel its point in the anatomy's array, (z, y, x, 3) in voxels (z, y, x)."""
    axes = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape]
    centered = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    turn_deg = rng.uniform(-15, 15, size=3)
    scale = rng.uniform(0.90, 1.10) * rng.uniform(0.95, 1.05, size=3) / anatomy.scale
    shear = np.eye(3) + rng.uniform(-0.04, 0.04, size=(3, 3)) * (1 - np.eye(3))
    matrix = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix() @ np.diag(scale) @ shear
    if rng.integers(2):
        matrix = matrix @ np.diag([1.0, 1.0, -1.0])  # mirrored left–right
    center = anatomy.brain_center + rng.uniform(-4, 4, size=3)
    points = centered @ torch.from_numpy(matrix.T).float() + torch.from_numpy(center).float()
    for scale_mm, largest_mm in ((45, 4.0), (16, 1.3)):
        amplitude_mm = rng.uniform(0, largest_mm)
        bend = [smooth_field(shape, scale_mm, rng=rng) * amplitude_mm for _ in range(3)]
        points = points + torch.stack(bend, dim=-1)
    return points


def _lesion_points(
    points: Tensor, anatomy: TissueMaps, lesions: LesionShape, mirror: bool, *, rng: np.random.Generator
) -> Tensor:
    """The points in the lesion patient's array that correspond to points in the anatomy's, by the brains' moments."""
    ratio = lesions.brain_spread / anatomy.brain_spread * rng.uniform(0.97, 1.03, size=3)
    if mirror:
        ratio = ratio * np.array([1.0, 1.0, -1.0])
    shifted = points - torch.from_numpy(anatomy.brain_center).float()
    center = lesions.brain_center + rng.uniform(-2, 2, size=3)
    return shifted * torch.from_numpy(ratio).float() + torch.from_numpy(center).float()


def _sample(volumes: Tensor, points: Tensor, *, mode: str) -> Tensor:
    """Channels (c, z, y, x) at points (z, y, x, 3); 0 outside."""
    size = torch.tensor(volumes.shape[1:], dtype=torch.float32)
    unit = (points / (size - 1) * 2 - 1).flip(-1)
    return functional.grid_sample(volumes[None], unit[None], mode=mode, padding_mode="zeros", align_corners=True)[0]
