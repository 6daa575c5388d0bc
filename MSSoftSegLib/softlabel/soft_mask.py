"""The soft mask: what training is aimed at, with the facts that are reported beside it."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from MSSoftSegLib.softlabel.settings import SoftLabelSettings


@dataclass(frozen=True)
class SoftMask:
    """Soft labels on the grid of the raters.

    image: float32, 0–1. core_volume_ml: voxels that the merge made certain lesion (1 before softening).
    soft_volume_ml: sum of all values times the volume of a voxel. shell_voxels: voxels outside the core to which the method
    gave a value, whether or not the raters' disagreement covers them too; 0 with method 'none'.
    """

    image: sitk.Image
    settings: SoftLabelSettings
    core_volume_ml: float
    soft_volume_ml: float
    shell_voxels: int
    warnings: tuple[str, ...] = ()
