"""From rater masks to a soft mask: what is asked for is checked, merged, softened and measured (Docs/methods.md section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.softlabel.barilan import barilan_shell
from MSSoftSegLib.softlabel.distance import Spacing
from MSSoftSegLib.softlabel.groza import gaussian_border, ramp_border, svls_border
from MSSoftSegLib.softlabel.kats import kats_growth
from MSSoftSegLib.softlabel.lesions_of_core import largest_value_of_each_lesion
from MSSoftSegLib.softlabel.merging import Merged, merge_raters
from MSSoftSegLib.softlabel.rater_images import check_gray_values, check_grid, check_label_map
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.soft_mask import SoftMask
from MSSoftSegLib.softlabel.voxelwise import voxelwise_gamma

METHOD_LABELS = {
    "none": "merge alone",
    "kats": "Kats 2019 growth",
    "barilan": "Bar-Ilan thesis shell",
    "voxelwise": "voxel-specific gamma (ours)",
    "gaussian": "Groza-style Gaussian",
    "ramp": "Groza-style signed-distance ramp",
    "svls": "Groza-style SVLS",
}
NEEDS_FLAIR = frozenset({"kats", "barilan", "voxelwise"})


def make_soft_mask(
    rater_masks: Sequence[sitk.Image],
    flair: sitk.Image | None,
    settings: SoftLabelSettings,
    *,
    names: Sequence[str] = (),
    flair_name: str = "FLAIR",
) -> SoftMask:
    """Merge the raters' label maps (0, 1 = lesion, 2 = possible lesion), then soften: T + γD, clipped to 0–1.

    flair: on the same grid; needed by kats, barilan and voxelwise, not looked at by the others. names: what to call the
    raters' masks in an error. The result lies on the grid of the first rater. Empty masks make an all-zero soft mask.
    """
    check_request(len(rater_masks), has_flair=flair is not None, settings=settings)
    names = tuple(names) or tuple(f"the mask of rater {number}" for number in range(1, len(rater_masks) + 1))
    label_maps = [check_label_map(mask, name) for mask, name in zip(rater_masks, names, strict=True)]
    grid = Grid.of(rater_masks[0])
    others = list(zip(rater_masks[1:], names[1:], strict=True))
    for image, name in [*others, *([(flair, flair_name)] if flair is not None else [])]:
        check_grid(image, name, grid, names[0])
    gray = check_gray_values(flair, flair_name) if flair is not None and settings.method in NEEDS_FLAIR else None
    merged = merge_raters(label_maps, settings)
    z_mm, y_mm, x_mm = grid.spacing_mm[::-1]
    soft = _softened(merged, gray, (z_mm, y_mm, x_mm), settings)
    voxel_ml = grid.voxel_volume_mm3 / MM3_PER_ML
    return SoftMask(
        image=grid.image(soft.value),
        settings=settings,
        core_volume_ml=int(np.count_nonzero(merged.core)) * voxel_ml,
        soft_volume_ml=float(soft.value.sum(dtype=np.float64)) * voxel_ml,
        shell_voxels=soft.shell_voxels,
        warnings=soft.warnings,
    )


def check_request(raters: int, *, has_flair: bool, settings: SoftLabelSettings) -> None:
    """RequestError where raters, FLAIR and settings do not go together; no image is needed to know."""
    if raters == 0:
        raise RequestError("no rater mask is given", remedy="give at least one")
    if raters > 1 and settings.merge is None:
        raise RequestError(
            f"{raters} raters and no word on how to merge them",
            remedy="choose a merge: intersection, union, soft-union or mean",
        )
    if settings.method in NEEDS_FLAIR and not has_flair:
        raise RequestError(f"the method {settings.method} needs the FLAIR image", remedy="give the FLAIR image as well")


@dataclass(frozen=True)
class _Softened:
    """value: float32 (z, y, x), 0–1."""

    value: np.ndarray
    shell_voxels: int
    warnings: tuple[str, ...] = ()


def _softened(merged: Merged, flair: np.ndarray | None, spacing_mm: Spacing, settings: SoftLabelSettings) -> _Softened:
    if settings.method == "none":
        return _Softened(merged.value, 0)
    if flair is None:
        return _smoothed(merged, spacing_mm, settings)
    warnings: tuple[str, ...] = ()
    if settings.method == "voxelwise":
        shell = voxelwise_gamma(merged.core, flair, spacing_mm, gamma=settings.gamma, radius_mm=settings.radius_mm)
    elif settings.method == "barilan":
        near_and_bright = barilan_shell(merged.core, flair, spacing_mm, radius_mm=settings.radius_mm)
        shell = near_and_bright * np.float32(settings.gamma)
    else:
        growth = kats_growth(
            merged.core,
            flair,
            spacing_mm,
            size_percent=settings.size_percent,
            flair_threshold=settings.flair_threshold,
        )
        shell = growth.shell * np.float32(settings.gamma)
        warnings = growth.warnings
    # Where a shell meets another, or disagreement, the larger value stands.
    return _Softened(np.clip(np.maximum(merged.value, shell), 0, 1), int(np.count_nonzero(shell)), warnings)


def _smoothed(merged: Merged, spacing_mm: Spacing, settings: SoftLabelSettings) -> _Softened:
    """The Groza-style methods, which smooth whatever the merge gave."""
    if settings.method == "gaussian":
        value = gaussian_border(merged.value, spacing_mm, sigma_mm=settings.sigma_mm)
    elif settings.method == "ramp":
        value = ramp_border(merged.value, spacing_mm, half_width_mm=settings.radius_mm)
    else:
        value = svls_border(merged.value, spacing_mm, sigma_mm=settings.sigma_mm)
    value = np.clip(value, 0, 1)
    # Whoever cuts the soft mask at a half loses these.
    lost = int(np.count_nonzero(largest_value_of_each_lesion(merged.core, value) < 0.5 - 1e-6))
    warnings = (f"{lost} small lesions are smoothed to less than 0.5 everywhere",) if lost else ()
    return _Softened(value, int(np.count_nonzero((value > 0) & ~merged.core)), warnings)
