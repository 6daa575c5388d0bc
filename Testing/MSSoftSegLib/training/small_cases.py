"""Labelled cases small enough for tests: skull-stripped T1, T2 and FLAIR of 24 × 30 × 26 voxels, two raters who disagree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.labeled_case import LabeledCase

SHAPE = (26, 30, 24)  # z, y, x
# Far enough apart never to touch: places in shares of the shape from its middle (z, y, x), and radii in voxels.
LESIONS = (((-0.20, -0.15, -0.15), 1.0), ((0.18, -0.18, 0.12), 1.8), ((0.0, 0.20, -0.05), 2.9))
# Brightness of brain and of lesion on each contrast, before noise of SD 4.
LOOKS = {Modality.FLAIR: (100.0, 180.0), Modality.T1: (120.0, 90.0), Modality.T2: (90.0, 150.0)}


def write_small_cases(
    folder: Path, count: int, seed: int, *, visits: int = 1, lesions: bool = True, spacing_mm: float = 1.0
) -> list[LabeledCase]:
    """``count`` preprocessed cases, ``visits`` per patient: an ellipsoidal brain on an oblique grid, lesions of several sizes.

    Rater "anna" draws each lesion; "bert" draws it half a voxel larger and elsewhere by half a voxel, so borders differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _write_case(
            folder / f"case-{number:02}",
            case=f"case-{number:02}",
            patient=f"patient-{number // visits:02}",
            lesions=lesions,
            spacing_mm=spacing_mm,
            rng=np.random.default_rng([seed, number]),
        )
        for number in range(count)
    ]


def _write_case(
    folder: Path, *, case: str, patient: str, lesions: bool, spacing_mm: float, rng: np.random.Generator
) -> LabeledCase:
    folder.mkdir()
    brain = _ellipsoid(np.array(SHAPE) / 2 - 0.5, np.array(SHAPE) * 0.42)
    first, second = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    if lesions:
        for place, radius in LESIONS:
            center = (0.5 + np.array(place) + rng.uniform(-0.04, 0.04, size=3)) * SHAPE
            first |= _ellipsoid(center, np.full(3, radius)) & brain
            second |= _ellipsoid(center + 0.5, np.full(3, radius + 0.5)) & brain
    paths = {}
    # A bright rim beyond either drawing, which soft masks look for.
    share = ndimage.gaussian_filter((first | second).astype(float), 0.8)
    for modality, (healthy, lesion) in LOOKS.items():
        image = healthy + (lesion - healthy) * share + rng.normal(0, 4, size=SHAPE)
        paths[modality] = _write((image * brain).astype(np.float32), folder / f"{modality}.nii.gz", spacing_mm)
    raters = {
        name: _write(mask.astype(np.uint8), folder / f"{name}.nii.gz", spacing_mm)
        for name, mask in (("anna", first), ("bert", second))
    }
    return LabeledCase(case, patient, paths, raters, preprocessed=True)


def _ellipsoid(center: np.ndarray, half_axes: np.ndarray) -> np.ndarray:
    place = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    return (((place - center) / half_axes) ** 2).sum(axis=-1) <= 1


def _write(array: np.ndarray, path: Path, spacing_mm: float) -> Path:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((spacing_mm,) * 3)
    image.SetOrigin((-11.0, 7.5, 3.25))
    turn = sitk.Euler3DTransform()
    turn.SetRotation(0.1, -0.2, 0.3)
    image.SetDirection(turn.GetMatrix())
    sitk.WriteImage(image, str(path))
    return path
