"""What "Preprocess only" hands back: the working images, and the brain mask brought to FLAIR's own voxels to be edited.

A job takes a brain mask on the voxels of the reference image, and a reader corrects it over the image that she knows.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.scene.volume_files import RAS_FROM_LPS
from MSSoftSegLib.result_files import BRAIN_MASK_FILE, WORKING_FACTS_FILE
from MSSoftSegLib.stepwise import Work, finish

SLICES_AT_ONCE = 4


@dataclass(frozen=True, eq=False)
class BrainMask:
    """uint8 (k, j, i), 1 = brain, with its 4×4 matrix to RAS mm."""

    array: np.ndarray
    ras_from_ijk: np.ndarray


def find_working_images(folder: Path) -> dict[str, Path]:
    """The aligned, bias-corrected, brain-extracted images by slot."""
    files = {slot: folder / f"{slot.upper()}.nii.gz" for slot in SLOTS}
    return {slot: path for slot, path in files.items() if path.is_file()}


def put_brain_mask_on_flair(folder: Path) -> BrainMask:
    """The brain mask on FLAIR's native voxels; ValueError, OSError or RuntimeError where the folder is incomplete."""
    return finish(bring_brain_mask(folder))


def bring_brain_mask(folder: Path) -> Work[BrainMask]:
    """As ``brain_mask_on_flair``, a few slices per step: resampling all of them would hold the panel up."""
    import SimpleITK as sitk

    from MSSoftSegLib.exam.geometry import Grid, resample

    try:
        facts = json.loads((folder / WORKING_FACTS_FILE).read_text(encoding="utf-8"))
        native = facts["native_grids"]["flair"]
        grid = Grid(*(tuple(native[key]) for key in ("size", "spacing_mm", "origin_mm", "direction")))
    except (KeyError, TypeError) as problem:
        raise ValueError(f"{WORKING_FACTS_FILE} is not one of this version: {problem}") from None
    # The file maps working points to native ones; resampling onto the native grid asks the other way.
    working_from_native = sitk.ReadTransform(str(folder / "FLAIR_to_working.tfm")).GetInverse()
    mask = sitk.ReadImage(str(folder / BRAIN_MASK_FILE), sitk.sitkFloat32)
    lps_from_voxel = grid.lps_from_voxel()
    width, height, depth = grid.size
    array = np.zeros((depth, height, width), np.uint8)
    for first in range(0, depth, SLICES_AT_ONCE):
        yield
        count = min(SLICES_AT_ONCE, depth - first)
        origin_mm = tuple((lps_from_voxel @ [0.0, 0.0, float(first), 1.0])[:3].tolist())
        slab = dataclasses.replace(grid, size=(width, height, count), origin_mm=origin_mm)
        on_native = resample(mask, slab, source_from_grid=working_from_native)
        array[first : first + count] = sitk.GetArrayViewFromImage(on_native) >= 0.5
    return BrainMask(array, RAS_FROM_LPS @ lps_from_voxel)
