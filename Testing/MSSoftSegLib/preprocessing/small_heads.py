"""Small heads made from the atlas: a brain inside dark skull and bright scalp, on a neck, with one lesion on one side."""

from __future__ import annotations

from functools import cache

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import Grid, image_like, resample, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.resources import find_resources

# Gray values of gray matter, white matter, CSF, skull and scalp.
CONTRASTS = {
    Modality.T1: (60.0, 90.0, 20.0, 8.0, 140.0),
    Modality.T2: (80.0, 60.0, 150.0, 8.0, 110.0),
    Modality.FLAIR: (90.0, 75.0, 15.0, 8.0, 60.0),
}
LESION_VALUE = {Modality.T1: 45.0, Modality.T2: 130.0, Modality.FLAIR: 140.0}
SKULL_MM, SCALP_MM = 7.0, 14.0


@cache
def _tissues(spacing_mm: float) -> tuple[Grid, dict[str, np.ndarray]]:
    """Shares of tissues on a grid around the atlas head; read only."""
    maps = {
        stem: sitk.ReadImage(str(find_resources() / "Atlas" / f"{stem}.nii.gz"), sitk.sitkFloat32) / 255
        for stem in ("gray_matter", "white_matter", "csf", "brain")
    }
    brain = maps["brain"]
    extent_mm = np.asarray(brain.GetSize()) * np.asarray(brain.GetSpacing()) + np.array([24, 24, 54])
    low = np.asarray(brain.GetOrigin()) - np.array([12, 12, 42])
    size = np.ceil(extent_mm / spacing_mm).astype(int)
    grid = Grid(tuple(size.tolist()), (spacing_mm,) * 3, tuple(low.tolist()), tuple(np.eye(3).ravel().tolist()))
    shares = {stem: voxels(resample(image, grid)) for stem, image in maps.items()}
    outside_mm = ndimage.distance_transform_edt(shares["brain"] < 0.5) * spacing_mm
    z, y, x = np.indices(outside_mm.shape)
    neck = np.hypot(x - size[0] / 2, y - size[1] / 2) * spacing_mm < 45
    neck &= z * spacing_mm < 70
    shares["skull"] = ((outside_mm > 0) & (outside_mm <= SKULL_MM)).astype(np.float32)
    shares["scalp"] = ((outside_mm > SKULL_MM) & ((outside_mm <= SCALP_MM) | neck)).astype(np.float32)
    middle = (np.asarray(outside_mm.shape) * (0.62, 0.45, 0.36)).astype(int)
    shares["lesion"] = (np.hypot(np.hypot(z - middle[0], y - middle[1]), x - middle[2]) * spacing_mm < 8).astype(
        np.float32
    )
    return grid, shares


def head(modality: Modality, *, spacing_mm: float = 3.0, noise: float = 2.0, seed: int = 1) -> sitk.Image:
    """A head in one contrast, float32, along the LPS axes."""
    grid, shares = _tissues(spacing_mm)
    gray, white, csf, skull, scalp = CONTRASTS[modality]
    values = gray * shares["gray_matter"] + white * shares["white_matter"] + csf * shares["csf"]
    values = np.where(shares["lesion"] > 0, LESION_VALUE[modality], values)
    values = np.where(shares["skull"] > 0, skull, np.where(shares["scalp"] > 0, scalp, values))
    values = values + np.random.default_rng(seed).normal(scale=noise, size=values.shape)
    return grid.image(np.abs(values).astype(np.float32))


def brain(*, spacing_mm: float = 3.0) -> sitk.Image:
    """The brain of the same head, uint8."""
    grid, shares = _tissues(spacing_mm)
    return grid.image((shares["brain"] >= 0.5).astype(np.uint8))


def motion(*, degrees: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> sitk.Euler3DTransform:
    """A rigid motion about the middle of the head."""
    transform = sitk.Euler3DTransform()
    transform.SetCenter((0.0, -20.0, 0.0))
    transform.SetRotation(*np.deg2rad(degrees).tolist())
    transform.SetTranslation(shift_mm)
    return transform


def carried(image: sitk.Image, by: sitk.Euler3DTransform) -> sitk.Image:
    """The same voxels with a header that places the point p at by(p): no interpolation, an oblique grid."""
    moved = sitk.Image(image)
    rotation = np.reshape(by.GetMatrix(), (3, 3))
    moved.SetOrigin(by.TransformPoint(image.GetOrigin()))
    moved.SetDirection((rotation @ np.reshape(image.GetDirection(), (3, 3))).ravel().tolist())
    return moved


def exam(**images: sitk.Image) -> Exam:
    """An exam of images by modality name."""
    return Exam(
        {
            Modality(name): ExamImage(Modality(name), sitk.Cast(image, sitk.sitkFloat32), f"{name}.nii.gz", None)
            for name, image in images.items()
        }
    )


def stripped(image: sitk.Image, mask: sitk.Image) -> sitk.Image:
    """The image with 0 outside the mask, and nothing exactly 0 inside it."""
    array = voxels(image)
    inside = voxels(mask) > 0
    return image_like(image, np.where(inside, np.where(array == 0, 1e-3, array), 0).astype(np.float32))
