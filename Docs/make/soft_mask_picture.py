"""Draws what three methods soften around one core: an axial FLAIR, and close-ups with core outline and soft voxels.

python Docs/make/soft_mask_picture.py Docs/pictures/soft_masks.png  the digital patient, her sparing rater
python Docs/make/soft_mask_picture.py PICTURE.png --data FOLDER     FLAIR.nii.gz and lesion_consensus.nii.gz of a folder

Only the digital patient's picture ships: she was never anybody.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.exam.geometry import orient_canonically, voxels
from MSSoftSegLib.exam.image_file import read_image, read_mask
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.digital_patient import ISOTROPIC_SETTINGS, make_digital_patient
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.soft_mask import SoftMask
from MSSoftSegLib.softlabel.softening import make_soft_mask

mpl.use("Agg")
import matplotlib.pyplot as plt

METHODS = {
    "barilan": "Bar-Ilan thesis, 1 mm",
    "kats": "Kats, 120 %",
    "voxelwise": "voxel-specific γ, 1 mm",
}
CLOSE_UP_MM = 48
OUTLINE, SOFT = "#00e5ff", "autumn"


@dataclass(frozen=True)
class Shown:
    """FLAIR in a canonical order and what is drawn over it, (z, y, x); soft by method."""

    flair: np.ndarray
    core: np.ndarray
    soft: dict[str, np.ndarray]
    masks: dict[str, SoftMask]
    spacing_mm: Sequence[float]


def load(data: Path | None) -> tuple[sitk.Image, sitk.Image]:
    """FLAIR and one rater's mask: of a folder, or of the digital patient."""
    if data is not None:
        return read_image(data / "FLAIR.nii.gz"), read_mask(data / "lesion_consensus.nii.gz")
    patient = make_digital_patient(seed=4, settings=ISOTROPIC_SETTINGS)
    return patient.exam.image(Modality.FLAIR), patient.rater2


def soften(flair: sitk.Image, rater: sitk.Image) -> Shown:
    """Soft masks of all methods in one order of voxels: to the right is the patient's left, down is posterior."""
    masks = {
        name: make_soft_mask([rater], flair, SoftLabelSettings.model_validate({"method": name})) for name in METHODS
    }
    return Shown(
        flair=voxels(orient_canonically(flair)),
        core=voxels(orient_canonically(rater)) == 1,
        soft={name: voxels(orient_canonically(mask.image)) for name, mask in masks.items()},
        masks=masks,
        spacing_mm=orient_canonically(flair).GetSpacing()[::-1],
    )


def place(shown: Shown) -> tuple[int, slice, slice]:
    """The slice and window in which the rarest shell, that of the thesis, has most voxels."""
    shell = (shown.soft["barilan"] > 0) & ~shown.core
    side = [round(CLOSE_UP_MM / step) for step in shown.spacing_mm[1:]]
    inner = [width // 2 for width in side]
    crowd = ndimage.uniform_filter(shell.astype(np.float32), (1, *inner), mode="constant")
    # Many windows hold the same voxels: the middle one of them is taken.
    z = int(np.unravel_index(np.argmax(crowd), crowd.shape)[0])
    y, x = np.argwhere(crowd[z] >= crowd.max() * 0.999).mean(axis=0)
    top, left = (
        int(np.clip(round(center - width / 2), 0, size - width))
        for center, width, size in zip((y, x), side, shell.shape[1:], strict=True)
    )
    return z, slice(top, top + side[0]), slice(left, left + side[1])


def draw(shown: Shown, out: Path) -> None:
    """Write the picture."""
    z, rows, columns = place(shown)
    aspect = shown.spacing_mm[1] / shown.spacing_mm[2]
    gray = shown.flair[z]
    limits = {"cmap": "gray", "vmin": 0, "vmax": float(np.percentile(gray[gray > 0], 99.8)), "aspect": aspect}
    figure, axes = plt.subplots(1, 4, figsize=(13.2, 3.9), layout="constrained", facecolor="black")
    axes[0].imshow(gray, **limits)
    axes[0].contour(shown.core[z], [0.5], colors=OUTLINE, linewidths=0.6)
    head = np.argwhere(gray > 0.1 * limits["vmax"])
    (top, left), (bottom, right) = head.min(axis=0) - 3, head.max(axis=0) + 3
    axes[0].set(xlim=(left, right), ylim=(bottom, top))
    corner = (columns.start, rows.start)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    axes[0].add_patch(plt.Rectangle(corner, *size, fill=False, edgecolor="white", linewidth=0.8))
    axes[0].set_title("FLAIR, core outlined", color="white", fontsize=10)
    overlay = None
    for panel, (name, title) in zip(axes[1:], METHODS.items(), strict=True):
        soft = shown.soft[name][z, rows, columns]
        core = shown.core[z, rows, columns]
        panel.imshow(gray[rows, columns], **limits)
        border = np.ma.masked_where((soft <= 0) | core, soft)
        overlay = panel.imshow(border, cmap=SOFT, vmin=0, vmax=0.5, alpha=0.85, aspect=aspect)
        panel.contour(core, [0.5], colors=OUTLINE, linewidths=1.0)
        mask = shown.masks[name]
        volumes = f"core {mask.core_volume_ml:.2f} mL, soft {mask.soft_volume_ml:.2f} mL"
        panel.set_title(f"{title}\n{volumes}, shell {mask.shell_voxels}", color="white", fontsize=10)
    for panel in axes:
        panel.set_axis_off()
    bar = figure.colorbar(overlay, ax=axes[1:], shrink=0.8, pad=0.01)
    bar.set_label("soft label outside the core", color="white")
    bar.ax.tick_params(colors="white")
    figure.savefig(out, dpi=110, facecolor="black", metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    draw(soften(*load(given.data)), given.picture)
