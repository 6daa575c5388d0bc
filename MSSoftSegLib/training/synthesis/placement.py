"""Where things lie: a random pose and shape of an anatomy, and lesions carried along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.training.synthesis.anatomy_bank import TissueMaps
from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field
from MSSoftSegLib.training.synthesis.lesion_bank import LesionShape

OWN_LESIONS_PROBABILITY = 0.4
SECOND_PATIENT_PROBABILITY = 0.25


@dataclass(frozen=True)
class Placed:
    """An anatomy on the output grid: tissue fractions (3, z, y, x) and numbered lesions of real patients (z, y, x)."""

    tissues: Tensor
    lesion_labels: tuple[Tensor, ...]


def place(anatomy: TissueMaps, lesions: Sequence[LesionShape], shape: Shape, draws: Draws) -> Placed:
    """Draw a pose and deformation, and sample tissues (linear) and the lesions of one or two patients through it."""
    points = _anatomy_points(anatomy, shape, draws)
    tissues = _sample(torch.from_numpy(anatomy.fractions).float(), points, mode="bilinear")
    tissues = _partly_fluid(tissues, draws)
    own = next((one for one in lesions if one.patient == anatomy.name), None)
    if own is not None and draws.chance("own_lesions", OWN_LESIONS_PROBABILITY):
        return Placed(tissues, (_sampled_labels(own, points),))
    count = 1 + draws.chance("second_patient", SECOND_PATIENT_PROBABILITY)
    labels = []
    for number in range(count):
        source = draws.within(f"patient{number}")
        chosen = lesions[source.integer("lesions_of", 0, len(lesions))]
        labels.append(_sampled_labels(chosen, _lesion_points(points, anatomy, chosen, source)))
    return Placed(tissues, tuple(labels))


def _sampled_labels(lesions: LesionShape, points: Tensor) -> Tensor:
    return _sample(torch.from_numpy(lesions.labels)[None].float(), points, mode="nearest")[0].long()


def _partly_fluid(tissues: Tensor, draws: Draws) -> Tensor:
    """Less fluid where it is thin, as much where it is wide: the maps count each partly fluid voxel as fluid."""
    fluid, gray, white = (blur(tissue, draws.uniform(f"softness{k}", 0.25, 0.65)) for k, tissue in enumerate(tissues))
    wide = blur(tissues[0], 2.0).clamp(0, 1)
    thin_share = draws.uniform("thin_fluid", 0.0, 0.35)
    fluid = fluid * (thin_share + (1 - thin_share) * ((wide - 0.6) * 4).clamp(0, 1))
    mixed = torch.stack([fluid, gray, white * draws.uniform("white_share", 0.8, 1.1)])
    return mixed / mixed.sum(dim=0).clamp(min=1e-3) * tissues.sum(dim=0).clamp(0, 1)


def _anatomy_points(anatomy: TissueMaps, shape: Shape, draws: Draws) -> Tensor:
    """For each output voxel its point in the anatomy's array, (z, y, x, 3) in voxels (z, y, x)."""
    axes = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape]
    centered = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    scale = draws.uniform("size", 0.92, 1.10) * draws.vector("stretch", 0.95, 1.05) / anatomy.scale
    shear = np.eye(3) + draws.rng.uniform(-0.04, 0.04, size=(3, 3)) * (1 - np.eye(3))
    turn = Rotation.from_euler("xyz", draws.vector("turned_deg", -12, 12), degrees=True)
    matrix = turn.as_matrix() @ np.diag(scale) @ shear
    if draws.chance("is_mirrored", 0.5):
        matrix = matrix @ np.diag([1.0, 1.0, -1.0])  # left–right
    points = centered @ torch.from_numpy(matrix.T).float()
    # The ventricles lie about the middle: sampling closer to it there enlarges them.
    squared = points.square().sum(dim=-1, keepdim=True)
    points = points * (1 - draws.uniform("ventricles", -0.12, 0.35) * torch.exp(-squared / (2 * 25.0**2)))
    center = anatomy.brain_center + draws.vector("moved", -4, 4)
    points = points + torch.from_numpy(center).float()
    for scale_mm, largest_mm in ((45, 5.0), (16, 1.5)):
        amplitude_mm = draws.uniform(f"bend_{scale_mm}mm", 0, largest_mm)
        bend = [smooth_field(shape, scale_mm, rng=draws.rng) * amplitude_mm for _ in range(3)]
        points = points + torch.stack(bend, dim=-1)
    return points


def _lesion_points(points: Tensor, anatomy: TissueMaps, lesions: LesionShape, draws: Draws) -> Tensor:
    """The points in the lesion patient's array that correspond to points in the anatomy's, by the brains' moments."""
    ratio = lesions.brain_spread / anatomy.brain_spread * draws.vector("stretch", 0.97, 1.03)
    if draws.chance("is_mirrored", 0.5):
        ratio = ratio * np.array([1.0, 1.0, -1.0])
    shifted = points - torch.from_numpy(anatomy.brain_center).float()
    center = lesions.brain_center + draws.vector("moved", -2, 2)
    return shifted * torch.from_numpy(ratio).float() + torch.from_numpy(center).float()


def _sample(volumes: Tensor, points: Tensor, *, mode: str) -> Tensor:
    """Channels (c, z, y, x) at points (z, y, x, 3); 0 outside."""
    size = torch.tensor(volumes.shape[1:], dtype=torch.float32)
    unit = (points / (size - 1) * 2 - 1).flip(-1)
    return functional.grid_sample(volumes[None], unit[None], mode=mode, padding_mode="zeros", align_corners=True)[0]
