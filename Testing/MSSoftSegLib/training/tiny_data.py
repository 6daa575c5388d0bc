"""A made-up data folder in the layout of the public one, so that the trainer runs where the real data is absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk


def write_tiny_data(folder: Path, *, patients: int = 3) -> Path:
    """Patients with an ellipsoidal brain of three tissues and three box-shaped lesions each, 1 mm, LPS, 64 x 72 x 60 voxels."""
    rng = np.random.default_rng(0)
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in (60, 72, 64)], indexing="ij")
    radius = np.sqrt(x**2 + y**2 + z**2)
    classes = np.select([radius < 0.18, radius < 0.62, radius < 0.8, radius < 0.88], [1, 3, 2, 1], 0).astype(np.uint8)
    for number in range(1, patients + 1):
        lesions = np.zeros(classes.shape, np.float32)
        for _ in range(3):
            corner = [int(n * rng.uniform(0.35, 0.6)) for n in classes.shape]
            lesions[tuple(slice(c, c + int(rng.integers(3, 7))) for c in corner)] = 1
        lesions *= classes == 3
        _write(lesions, folder / "lesion_masks" / f"patient{number:02}" / "lesion_consensus_1mm.nii.gz")
        _write(
            (classes > 0).astype(np.float32), folder / "lesion_masks" / f"patient{number:02}" / "brainmask_1mm.nii.gz"
        )
        if number == 1:
            _write(classes, folder / "tissues" / "patient01" / "tissues_fast_1mm.nii.gz")
    return folder


def _write(array: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
