"""Derive the atlas maps that ship from the MNI ICBM152 2009a symmetric maps inside the nilearn wheel.

Run from a checkout with the test extras installed:  python Resources/Atlas/make_atlas.py

The source holds a skull-stripped T1 and probabilities of gray and white matter (8 bit, 255 = 1), nothing else:
- brain         = where the T1 template is not zero (closed; it has no holes);
- CSF           = what gray and white matter leave of the brain: 1 − GM − WM inside it, 0 outside;
- the head (dura, skull, fat, skin) is not in the source and not in the atlas: the digital patient grows it in layers of
  distance around the brain (MSSoftSegLib/phantom/head.py), brain extraction needs none.
The maps are cropped to the brain and a margin; the frame stays MNI's.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

SOURCE = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
FULL = 255
MARGIN_VOXELS = 12


def source_map(name: str) -> sitk.Image:
    """One map of the nilearn wheel, in LPS array order."""
    path = files("nilearn.datasets") / "data" / SOURCE.format(name)
    return sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")


def derived_maps() -> dict[str, sitk.Image]:
    """All atlas maps by file stem, uint8; probabilities are scaled so that 255 = 1."""
    t1, gray, white = (source_map(name) for name in ("t1", "gm", "wm"))
    t1_array, gray_array, white_array = (sitk.GetArrayFromImage(image).astype(np.int32) for image in (t1, gray, white))
    brain = ndimage.binary_closing(t1_array > 0, iterations=1)
    gray_array, white_array = np.where(brain, gray_array, 0), np.where(brain, white_array, 0)
    total = np.maximum(gray_array + white_array, FULL)
    gray_array, white_array = gray_array * FULL // total, white_array * FULL // total
    csf_array = np.where(brain, FULL - gray_array - white_array, 0)
    arrays = {
        "t1": np.where(brain, t1_array, 0),
        "gray_matter": gray_array,
        "white_matter": white_array,
        "csf": csf_array,
        "brain": brain * FULL,
    }
    return {stem: cropped(like(t1, array), brain) for stem, array in arrays.items()}


def like(reference: sitk.Image, array: np.ndarray) -> sitk.Image:
    """The array as an 8-bit image with the reference's geometry."""
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.CopyInformation(reference)
    return image


def cropped(image: sitk.Image, brain: np.ndarray) -> sitk.Image:
    """The image cut to the brain's bounding box and a margin; where the source ends sooner, zeros are added."""
    padded = sitk.ConstantPad(image, [MARGIN_VOXELS] * 3, [MARGIN_VOXELS] * 3, 0)
    index, size = [], []
    for axis in (2, 1, 0):
        occupied = np.flatnonzero(brain.any(axis=tuple(a for a in range(3) if a != axis)))
        index.append(int(occupied[0]))
        size.append(int(occupied[-1] - occupied[0]) + 1 + 2 * MARGIN_VOXELS)
    return sitk.RegionOfInterest(padded, size, index)


if __name__ == "__main__":
    folder = Path(__file__).resolve().parent
    for stem, image in derived_maps().items():
        sitk.WriteImage(image, str(folder / f"{stem}.nii.gz"), useCompression=True)
