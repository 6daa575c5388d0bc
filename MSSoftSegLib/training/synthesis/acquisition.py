"""What a scanner and preprocessing do to an image: thick slices, blur, noise, bias, misalignment."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field, white_noise


def acquire(image: Tensor, *, aligned: bool, rng: np.random.Generator) -> Tensor:
    """An image (z, y, x; white matter about 1) as it comes out of scanner and preprocessing at 1 mm.

    aligned: the reference contrast, which is not moved against the label.
    """
    shape: Shape = tuple(image.shape)  # type: ignore[assignment]
    if not aligned:
        image = _shifted(image, rng=rng)
    if rng.random() < 0.3:
        image = blur(image, rng.uniform(0.3, 0.65))
    noise_level = float(np.exp(rng.uniform(np.log(0.02), np.log(0.11))))
    scanned = _thick_slices(image, rng=rng) if rng.random() < 0.65 else image
    # Magnitude noise is Rician: two independent Gaussian channels.
    real = scanned + noise_level * white_noise(tuple(scanned.shape), rng=rng)  # type: ignore[arg-type]
    imaginary = noise_level * white_noise(tuple(scanned.shape), rng=rng)  # type: ignore[arg-type]
    scanned = torch.sqrt(real**2 + imaginary**2)
    if scanned.shape != image.shape:
        scanned = functional.interpolate(scanned[None, None], size=shape, mode="trilinear", align_corners=False)[0, 0]
    bias = torch.exp(rng.uniform(0, 0.10) * smooth_field(shape, 70, rng=rng))
    return scanned * bias


def _thick_slices(image: Tensor, *, rng: np.random.Generator) -> Tensor:
    """Averaged along one axis into slices 1.5–4 mm thick; mostly axial, as in clinics."""
    axis = int(rng.choice(3, p=[0.7, 0.15, 0.15]))
    size = list(image.shape)
    size[axis] = max(8, round(size[axis] / rng.uniform(1.5, 4.0)))
    return functional.interpolate(image[None, None], size=size, mode="area")[0, 0]


def _shifted(image: Tensor, *, rng: np.random.Generator) -> Tensor:
    """Moved by what registration leaves: up to 0.8 mm and 0.6 degrees."""
    matrix = torch.zeros(1, 3, 4)
    matrix[0, :, :3] = torch.from_numpy(
        Rotation.from_euler("xyz", rng.uniform(-0.6, 0.6, size=3), degrees=True).as_matrix()
    )
    matrix[0, :, 3] = torch.from_numpy(rng.uniform(-0.8, 0.8, size=3)) * 2 / torch.tensor(image.shape[::-1])
    grid = functional.affine_grid(matrix, [1, 1, *image.shape], align_corners=False)
    return functional.grid_sample(image[None, None], grid, mode="bilinear", padding_mode="border", align_corners=False)[
        0, 0
    ]
