"""What a scanner and preprocessing do to an image: motion, thick slices, blur, ringing, noise, sharpening, bias, misalignment."""

from __future__ import annotations

import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.training.synthesis.draws import Draws
from MSSoftSegLib.training.synthesis.fields import Shape, blur, smooth_field, white_noise
from MSSoftSegLib.training.synthesis.slices import Slices, interpolate_slices, slice_image

# Noise against white matter is strongest where white matter is darkest.
NOISE_SHARE = {Modality.T1: 0.55, Modality.T2: 1.7, Modality.FLAIR: 1.0}


def acquire(image: Tensor, draws: Draws, *, modality: Modality, slices: Slices | None) -> Tensor:
    """An image (z, y, x; white matter about 1) as it comes out of scanner and preprocessing at 1 mm.

    slices: the stack that the scanner acquires, None = at 1 mm. FLAIR is the reference contrast, which is not moved
    against the label.
    """
    shape: Shape = tuple(image.shape)  # type: ignore[assignment]
    if modality is not Modality.FLAIR:
        image = _shifted(image, draws)
    if draws.chance("is_blurred", 0.35):
        image = blur(image, draws.uniform("blur", 0.3, 0.7))
    if draws.chance("ghosts", 0.15):
        image = _ghosted(image, draws)
    scanned = image if slices is None else slice_image(image, slices)
    if draws.chance("rings", 0.2):
        scanned = _ringing(scanned, draws)
    scanned = _noisy(scanned, NOISE_SHARE[modality], draws)
    if slices is not None:
        scanned = interpolate_slices(scanned, slices, shape)
    if draws.chance("is_sharpened", 0.45):
        scanned = scanned + draws.uniform("sharpening", 0.2, 1.2) * (scanned - blur(scanned, 1.0))
    bias = draws.uniform("bias", 0, 0.10) * smooth_field(shape, 70, rng=draws.rng)
    return scanned * torch.exp(bias)


def _noisy(image: Tensor, share: float, draws: Draws) -> Tensor:
    """Magnitude noise is Rician: two independent Gaussian channels."""
    shape: Shape = tuple(image.shape)  # type: ignore[assignment]
    level = share * draws.log_uniform("noise", 0.02, 0.09)
    real = image + level * white_noise(shape, rng=draws.rng)
    imaginary = level * white_noise(shape, rng=draws.rng)
    return torch.sqrt(real**2 + imaginary**2)


def _ghosted(image: Tensor, draws: Draws) -> Tensor:
    """Faint copies along the phase-encoding axis, as breathing and pulsation leave them."""
    axis = int(draws.choice("ghost_axis", (1, 2), (0.7, 0.3)))
    strength = draws.uniform("ghost", 0.01, 0.06)
    distance = draws.integer("ghost_voxels", 12, 60)
    copies = torch.roll(image, distance, dims=axis) + torch.roll(image, -distance, dims=axis)
    return image + strength * (copies - 2 * image)


def _ringing(image: Tensor, draws: Draws) -> Tensor:
    """Gibbs ringing along one in-plane axis: the outer frequencies were never measured."""
    axis = int(draws.choice("ringing_axis", (1, 2), (0.5, 0.5)))
    spectrum = torch.fft.rfft(image, dim=axis)
    kept = round(spectrum.shape[axis] * draws.uniform("frequencies_kept", 0.6, 0.9))
    spectrum.narrow(axis, kept, spectrum.shape[axis] - kept).zero_()
    return torch.fft.irfft(spectrum, n=image.shape[axis], dim=axis)


def _shifted(image: Tensor, draws: Draws) -> Tensor:
    """Moved by what registration leaves: up to 0.8 mm and 0.6 degrees."""
    turn_deg = draws.vector("turned_deg", -0.6, 0.6)
    matrix = torch.zeros(1, 3, 4)
    matrix[0, :, :3] = torch.from_numpy(Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix())
    matrix[0, :, 3] = torch.from_numpy(draws.vector("moved_mm", -0.8, 0.8)) * 2 / torch.tensor(image.shape[::-1])
    grid = functional.affine_grid(matrix, [1, 1, *image.shape], align_corners=False)
    return functional.grid_sample(image[None, None], grid, mode="bilinear", padding_mode="border", align_corners=False)[
        0, 0
    ]
