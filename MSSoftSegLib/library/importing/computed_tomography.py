"""Computed tomography in FLAIR's place: the body in a window of soft tissue, as everything after the import takes images.

Preprocessed images are 0 outside what is looked at and are normalised inside it. A CT is about −1000 HU outside the body and
about 0 in much of the soft tissue, so its zeros mean nothing, and air, lungs and bone would set the scale. So an imported CT is
stored as ``HU − LOWEST_HU + 1`` between LOWEST_HU and HIGHEST_HU (beyond: the nearer end) inside the body, and as 0 outside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.intake import Source

CHANNEL_NAMES = ("ct", "computedtomography")
# The usual window of abdominal soft tissue: width 400 HU, level 50 HU.
LOWEST_HU, HIGHEST_HU = -150.0, 250.0
# Halfway between air and water: a voxel that is half body.
BODY_ABOVE_HU = -500.0
# Cuts sheets, tubes and the table's plates, which touch the skin, from the body.
OPENING_MM = 4.0


def is_computed_tomography(name: str) -> bool:
    """Whether a data set's name of a channel says CT."""
    return "".join(character for character in name.casefold() if character.isalnum()) in CHANNEL_NAMES


def window_computed_tomography(
    images: Mapping[Modality, Source], channels: Mapping[int, Modality], names: Mapping[str, str]
) -> dict[Modality, Source]:
    """The images with every CT among them in the body's window. channels: modality by number; names: as described."""
    ct_numbers = {int(number) for number, name in names.items() if is_computed_tomography(name)}
    tomograms = {modality for number, modality in channels.items() if number in ct_numbers}
    return {modality: _windowed(image) if modality in tomograms else image for modality, image in images.items()}


def find_body_in_window(image: sitk.Image, *, name: str) -> sitk.Image:
    """A CT in HU as 1 to HIGHEST_HU − LOWEST_HU + 1 inside the body and 0 outside, float32. name: for errors."""
    values_hu = voxels(image)
    if float(values_hu.min()) > BODY_ABOVE_HU:
        raise BadImage(
            f"{name} shows no air: its lowest value is {values_hu.min():g}",
            remedy="give a CT in Hounsfield units with some air around the body",
        )
    body = _body(image)
    if not body.any():
        raise BadImage(f"{name} shows no body above {BODY_ABOVE_HU:g} HU", remedy="give a CT in Hounsfield units")
    windowed = np.clip(values_hu, LOWEST_HU, HIGHEST_HU) - LOWEST_HU + 1
    return image_like(image, np.where(body, windowed, 0).astype(np.float32))


def _windowed(source: Source) -> sitk.Image:
    if isinstance(source, sitk.Image):
        return find_body_in_window(source, name="the CT channel")
    return find_body_in_window(read_image(source), name=source.name)


def _body(image: sitk.Image) -> np.ndarray:
    """The largest piece of tissue with all that it encloses in any axial slice, (z, y, x) bool: lungs and bowel gas are body."""
    axial = 2 - int(np.argmax(np.abs(image.GetDirection()[6:])))
    tissue = voxels(image) > BODY_ABOVE_HU
    for axis, spacing_mm in enumerate(image.GetSpacing()[::-1]):
        if axis != axial:
            # A bar along each axis of the slice: its length does not depend on the slice's thickness.
            length = 1 + 2 * round(OPENING_MM / 2 / spacing_mm)
            tissue = ndimage.binary_opening(tissue, np.ones([length if each == axis else 1 for each in range(3)]))
    pieces, count = ndimage.label(tissue)
    if count == 0:
        return tissue
    body = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    in_slice = np.expand_dims(ndimage.generate_binary_structure(2, 1), axial)
    return ndimage.binary_fill_holes(body, structure=in_slice)
