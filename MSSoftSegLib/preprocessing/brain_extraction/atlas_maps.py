"""The atlas that ships: a skull-stripped T1 template and its brain mask, in MNI space (Resources/Atlas/NOTICE.md)."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import orient_canonically
from MSSoftSegLib.resources import find_resources


@dataclass(frozen=True)
class AtlasMaps:
    """Maps of a standard brain on one 1 mm grid, float32, LPS array order; t1 in gray values, brain 0–1."""

    t1: sitk.Image
    brain: sitk.Image


def read_atlas() -> AtlasMaps:
    """The atlas from Resources/Atlas."""
    folder = find_resources() / "Atlas"
    t1, brain = (
        orient_canonically(sitk.ReadImage(str(folder / f"{stem}.nii.gz"), sitk.sitkFloat32)) for stem in ("t1", "brain")
    )
    return AtlasMaps(t1=t1, brain=brain / 255.0)
