"""Images and masks from disk and back: what is read is what the file says, what is written is complete or absent."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, DiskFull, GridMismatch, RequestError
from MSSoftSegLib.exam import metaimage_header, nifti_file, nrrd_header
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.image_format import (
    DETACHED_EXTENSIONS,
    FORMAT_OF_EXTENSION,
    KNOWN_EXTENSIONS,
    ImageFormat,
    image_extension,
)
from MSSoftSegLib.exam.itk_file import quiet_itk, read_by_itk
from MSSoftSegLib.exam.label_doubts import describe_voxel_count
from MSSoftSegLib.exam.placement import check_range, check_solid, largest_corner_distance_mm, nearest_orthonormal

LOGGER = logging.getLogger(__name__)
# A mask that went through an interpolating or scaling writer is off by rounding, not by more.
LABEL_TOLERANCE = 1e-3
LARGEST_LABEL = 255
# Files that are written at the same time.
AT_ONCE = 4


def read_image(path: Path) -> sitk.Image:
    """A grey-value image as float32 (z, y, x) on its native grid; BadImage if it cannot be trusted.

    Nothing is resampled or reordered; axes that are off a right angle by rounding are straightened (at most 0.1 mm at a
    corner). Values that are not finite and images of one single value are refused.
    """
    image = _read(path)
    check_values(path.name, image)
    return image


def read_channels(path: Path, count: int) -> list[sitk.Image]:
    """The volumes of a four-dimensional NIfTI file, each checked as ``read_image`` checks an image."""
    images = _channels(path, count, "correct dataset.json")
    for number, image in enumerate(images):
        check_values(f"channel {number} of {path.name}", image)
    return images


def read_maps(path: Path, count: int) -> list[sitk.Image]:
    """The volumes of a four-dimensional NIfTI file, float32, each from 0 to 1 and possibly constant; else BadImage."""
    images = _channels(path, count, f"give a file of {count} volumes")
    for number, image in enumerate(images, start=1):
        _check_map(f"volume {number} of {path.name}", sitk.GetArrayViewFromImage(image))
    return images


def _channels(path: Path, count: int, remedy: str) -> list[sitk.Image]:
    _check_readable(path)
    if FORMAT_OF_EXTENSION.get(image_extension(path.name) or "") is not ImageFormat.NIFTI:
        raise BadImage(f"{path.name} is not a NIfTI file", remedy="give .nii or .nii.gz, as the Decathlon has it")
    try:
        return [_straightened(image) for image in nifti_file.read_nifti_channels(path, count, remedy=remedy)]
    except OSError:
        raise _unreadable(path) from None


def check_values(name: str, image: sitk.Image) -> None:
    """Refuse an image with voxels that are not finite, or all of one value; name: what to call it."""
    array = sitk.GetArrayViewFromImage(image)
    not_finite = int(array.size - np.count_nonzero(np.isfinite(array)))
    if not_finite:
        raise BadImage(
            f"{name} holds voxels that are not finite numbers ({not_finite} of {array.size})",
            remedy="export it again, or replace these voxels knowingly",
        )
    if array.min() == array.max():
        raise BadImage(f"{name} is empty: every voxel is {array.flat[0]:g}", remedy="give an image with contents")


def note_two_values(name: str, image: sitk.Image) -> None:
    """Log that an image holds two values only, as masks do that are given as images."""
    array = sitk.GetArrayViewFromImage(image)
    low, high = array.min(), array.max()
    if np.count_nonzero(array == low) + np.count_nonzero(array == high) == array.size:
        LOGGER.warning("%s holds no values but %g and %g: is it a mask?", name, low, high)


def read_mask(path: Path, like: sitk.Image | None = None) -> sitk.Image:
    """A mask or label map as uint8, its label values kept; an empty one is allowed.

    like: the image on whose grid the mask must lie (GridMismatch otherwise); the result then has exactly that grid.
    """
    image = _read(path)
    array = voxels(image)
    with np.errstate(invalid="ignore"):
        labels = np.rint(array)
        fractional = ~(np.abs(array - labels) <= LABEL_TOLERANCE)
    if np.any(fractional):
        raise BadImage(
            f"{path.name} is not a mask: it holds the value {array[fractional][0]:.4g} and others that are not whole "
            f"({describe_voxel_count(int(np.count_nonzero(fractional)))})",
            remedy="give a mask of whole numbers; a probability map has to be thresholded first",
        )
    if labels.min() < 0 or labels.max() > LARGEST_LABEL:
        raise BadImage(
            f"{path.name} is not a mask: its values run from {labels.min():g} to {labels.max():g}",
            remedy=f"give a mask with labels from 0 to {LARGEST_LABEL}",
        )
    if like is not None and not have_same_grid(image, like):
        raise _mismatch(path.name, Grid.of(image), Grid.of(like))
    return Grid.of(image if like is None else like).image(labels.astype(np.uint8))


def read_map(path: Path, like: sitk.Image) -> sitk.Image:
    """A probability, soft mask or weight as float32, 0–1, on exactly the grid of ``like``; it may be constant.

    Values beyond 0–1 by rounding are clipped; by more, or not finite, BadImage. GridMismatch where the grid is another.
    """
    image = _read(path)
    array = voxels(image)
    _check_map(path.name, array)
    if not have_same_grid(image, like):
        raise _mismatch(path.name, Grid.of(image), Grid.of(like))
    return Grid.of(like).image(np.clip(array, 0, 1).astype(np.float32))


def _check_map(name: str, array: np.ndarray) -> None:
    # Not "below or above": what is not a number must be refused too.
    if not (np.all(array >= -LABEL_TOLERANCE) and np.all(array <= 1 + LABEL_TOLERANCE)):
        raise BadImage(
            f"{name} is not a map of values from 0 to 1: they run from {array.min():g} to {array.max():g}",
            remedy="give a probability map or a soft mask",
        )


def write_image(image: sitk.Image, path: Path) -> None:
    """Write voxels and grid, without any other metadata, to .nii, .nii.gz, .nrrd or .mha.

    The file appears under its name only when it is complete; on failure nothing is left and an older file stays.
    """
    extension = image_extension(path.name)
    if extension is None or extension in DETACHED_EXTENSIONS:
        raise RequestError(f"{path.name} cannot be written", remedy="choose a name ending in .nii.gz, .nrrd or .mha")
    if not path.parent.is_dir():
        raise RequestError(f"there is no folder to write {path.name} into", remedy="make the folder first")
    partial = path.with_name(f".{secrets.token_hex(8)}.partial{extension}")
    try:
        with quiet_itk():
            sitk.WriteImage(_without_metadata(image), str(partial), useCompression=extension != ".nii")
        # ITK does not notice a full disk when it writes NIfTI.
        if FORMAT_OF_EXTENSION[extension] is ImageFormat.NIFTI:
            nifti_file.check_complete(partial)
        _flush_to_disk(partial)
        os.replace(partial, path)
    except (OSError, RuntimeError, BadImage) as error:
        raise _not_written(path, image.GetNumberOfPixels() * image.GetSizeOfPixelComponent(), error) from None
    finally:
        partial.unlink(missing_ok=True)


def write_channels(channels: np.ndarray, grid: Grid, path: Path, *, slope: float) -> None:
    """Write maps (channel, z, y, x), uint8 times the slope, as one four-dimensional .nii.gz without any other metadata.

    The file appears under its name only when it is complete; on failure nothing is left and an older file stays.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.partial.nii.gz")
    try:
        partial.write_bytes(nifti_file.pack_nifti_channels(channels, grid, slope=slope))
        _flush_to_disk(partial)
        os.replace(partial, path)
    except OSError as error:
        raise _not_written(path, channels.nbytes, error) from None
    finally:
        partial.unlink(missing_ok=True)


def is_there(path: Path) -> bool:
    """Whether there is such a file; False also for a name that no disk takes, as foreign lists can hold."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def write_images(images: Mapping[Path, sitk.Image]) -> None:
    """write_image for each path, several at a time: compressing takes longer than anything else about them."""
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="writing") as threads:
        for written in [threads.submit(write_image, image, path) for path, image in images.items()]:
            written.result()


def compute_sha256(path: Path) -> str:
    """SHA-256 in hexadecimal; of a detached header (.nhdr, .mhd) followed by its voxel file, as ``cat`` would join them."""
    digest = hashlib.sha256()
    parts = [path]
    if image_extension(path.name) in DETACHED_EXTENSIONS:
        header = nrrd_header if path.name.lower().endswith(".nhdr") else metaimage_header
        parts.append(header.find_voxel_file(path))
    for part in parts:
        _check_readable(part)
        with part.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _read(path: Path) -> sitk.Image:
    """A three-dimensional float32 image on a checked grid, values as they are."""
    _check_readable(path)
    try:
        image = _decoded(path)
    except OSError:
        raise _unreadable(path) from None
    return _straightened(image)


def _unreadable(path: Path) -> BadImage:
    return BadImage(f"{path.name} could not be read from its disk", remedy="copy it to this computer first")


def _straightened(image: sitk.Image) -> sitk.Image:
    """The same image with axes at exact right angles."""
    image.SetDirection(nearest_orthonormal(np.reshape(image.GetDirection(), (3, 3))).ravel().tolist())
    return image


def _decoded(path: Path) -> sitk.Image:
    extension = image_extension(path.name)
    if extension is None:
        raise BadImage(f"{path.name} is not an image file", remedy=f"give one of {KNOWN_EXTENSIONS}")
    image_format = FORMAT_OF_EXTENSION[extension]
    if image_format is ImageFormat.NIFTI:
        return nifti_file.read_nifti(path)
    check = nrrd_header.check_nrrd if image_format is ImageFormat.NRRD else metaimage_header.check_metaimage
    check(path)
    image = read_by_itk(path, image_format)
    if image.GetNumberOfComponentsPerPixel() > 1 or "complex" in image.GetPixelIDTypeAsString():
        raise BadImage(f"{path.name} holds several values per voxel", remedy="give a grey-value image")
    check_solid(path.name, image.GetSize())
    narrowed = sitk.Cast(image, sitk.sitkFloat32)
    check_range(path.name, sitk.GetArrayViewFromImage(image), sitk.GetArrayViewFromImage(narrowed))
    return _without_metadata(narrowed)


def _check_readable(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        # ITK ends the whole process over such a name.
        shown = path.name.encode("utf-8", "replace").decode()
        raise BadImage(f"the path of {shown} is not valid UTF-8", remedy="rename the file and its folders") from None
    if path.is_dir():
        raise BadImage(f"{path.name} is a folder, not an image file", remedy="name the image file itself")
    if not path.exists():
        raise BadImage(f"{path.name} does not exist", remedy="check the name and the folder")
    if not os.access(path, os.R_OK):
        raise BadImage(f"{path.name} may not be read", remedy="ask for permission to read it")
    if path.stat().st_size == 0:
        raise BadImage(f"{path.name} is an empty file", remedy="copy or export it again")


def _without_metadata(image: sitk.Image) -> sitk.Image:
    """Voxels and grid alone: free-text fields of a header can name the patient."""
    bare = sitk.Image(image)
    for key in bare.GetMetaDataKeys():
        bare.EraseMetaData(key)
    return bare


def _flush_to_disk(path: Path) -> None:
    """A full or failing disk speaks up here at the latest."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_written(path: Path, needed_bytes: int, error: Exception) -> DiskFull:
    no_space = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if no_space or shutil.disk_usage(path.parent).free < needed_bytes:
        return DiskFull(f"no space left on the disk for {path.name}", remedy="free some space and run again")
    return DiskFull(
        f"{path.name} could not be written completely", remedy="check permission and space of the output folder"
    )


def _mismatch(name: str, mask: Grid, image: Grid) -> GridMismatch:
    remedy = "draw the mask on this image, or resample it onto this image with nearest neighbor"
    message = f"{name} is {_stated(mask)}, the image {_stated(image)}"
    if mask.size == image.size:
        apart_mm = largest_corner_distance_mm(mask.lps_from_voxel(), image.lps_from_voxel(), image.size)
        message += f"; a corner lies {apart_mm:.3g} mm apart"
    return GridMismatch(message, remedy=remedy)


def _stated(grid: Grid) -> str:
    size = "×".join(str(count) for count in grid.size)
    return f"{size} voxels of {'×'.join(f'{value:.4g}' for value in grid.spacing_mm)} mm"
