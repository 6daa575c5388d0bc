"""How an image file enters the library: its voxels and its place unchanged, nothing that could name the patient.

A NIfTI file without any text in its headers is copied byte for byte. Everything else is written anew: a NIfTI header has
free-text fields and extensions, a gzip stream can carry the name of the file that it was made from, and bytes can hide before and
after the voxels.
"""

from __future__ import annotations

import gzip
import logging
import os
import zlib
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, GridMismatch
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, image_like, voxels
from MSSoftSegLib.exam.image_file import read_image, read_map, read_mask, write_image
from MSSoftSegLib.exam.image_format import FORMAT_OF_EXTENSION, ImageFormat, image_extension
from MSSoftSegLib.exam.label_doubts import describe_counts, find_mask_doubts, value_counts
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.exam.nifti_file import FIRST_VOXEL_BYTE, HEADER_BYTES, read_decompressed

Source = Path | sitk.Image
LOGGER = logging.getLogger(__name__)
LABELS = (0, LESION, POSSIBLE_LESION)
# Free text in a NIfTI-1 header, among them fields that only ANALYZE gave a meaning.
TEXT_FIELDS = ("data_type", "db_name", "descrip", "aux_file", "intent_name")
COMPRESSION_LEVEL = 6
# Bits of a gzip header's flags: extra field, name of the original file, comment.
GZIP_TEXT_FLAGS = 0x04 | 0x08 | 0x10
ROUNDING = 1e-5
LARGEST_WHOLE = 32767


def store_image(source: Source, target: Path) -> sitk.Image:
    """Store a native image as .nii.gz; returns it as read (float32). BadImage if it cannot be trusted."""
    if isinstance(source, sitk.Image):
        write_image(_smallest(source), target)
        return read_image(target)
    image = read_image(source)
    if FORMAT_OF_EXTENSION[image_extension(source.name) or ".nii"] is not ImageFormat.NIFTI:
        write_image(_smallest(image), target)
        return image
    _store_bytes(clean_nifti(source), target)
    return image


def store_mask(source: Source, target: Path, *, like: sitk.Image, name: str) -> np.ndarray:
    """Store a label map on the grid of an image; returns its labels (uint8, z, y, x). name: for what is in memory."""
    if isinstance(source, sitk.Image):
        mask = _on_grid(source, like, name)
    else:
        mask, name = read_mask(source, like), source.name
    labels = voxels(mask)
    strange = {value: count for value, count in value_counts(labels).items() if value not in LABELS}
    if strange:
        raise BadImage(
            f"{name} holds the label{'s' if len(strange) > 1 else ''} {describe_counts(strange)}, whose meaning is not known",
            remedy="write 1 where there is lesion, 2 where lesion is possible, and 0 elsewhere",
        )
    for doubt in find_mask_doubts(labels, name=name, brain=voxels(like) != 0):
        LOGGER.warning("%s", doubt)
    write_image(image_like(like, labels.astype(np.uint8)), target)
    return labels


def store_probability(source: Source, target: Path, *, like: sitk.Image, name: str) -> None:
    """Store a map of values from 0 to 1 as float32 on the grid of an image; it may be 0 everywhere."""
    if isinstance(source, Path):
        write_image(read_map(source, like), target)
        return
    array = voxels(_on_grid(source, like, name)).astype(np.float32)
    if not (np.all(array >= -ROUNDING) and np.all(array <= 1 + ROUNDING)):
        raise BadImage(f"{name} holds values outside 0 to 1", remedy="give a soft mask or a probability map")
    write_image(image_like(like, np.clip(array, 0, 1)), target)


def clean_nifti(source: Path) -> bytes:
    """A NIfTI file as compressed bytes without text: the file's own bytes if they hold none."""
    content = read_decompressed(source)
    header = nibabel.Nifti1Header(content[:HEADER_BYTES], check=False)
    offset = max(int(header["vox_offset"]), FIRST_VOXEL_BYTE)
    size = np.prod(header["dim"][1 : int(header["dim"][0]) + 1], dtype=np.int64)
    end = offset + int(size) * header.get_data_dtype().itemsize
    text = any(header[field].tobytes().strip(b"\0 ") for field in TEXT_FIELDS)
    hidden = any(content[HEADER_BYTES:offset]) or end != len(content)
    if not text and not hidden and _is_plain_gzip(source):
        return source.read_bytes()
    for field in TEXT_FIELDS:
        header[field] = b""
    header["vox_offset"] = FIRST_VOXEL_BYTE
    bare = header.binaryblock + bytes(FIRST_VOXEL_BYTE - HEADER_BYTES) + content[offset:end]
    return gzip.compress(bare, COMPRESSION_LEVEL, mtime=0)


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file of the library, byte for byte, onto the disk."""
    _store_bytes(source.read_bytes(), target)


def _is_plain_gzip(source: Path) -> bool:
    """Whether the file is one gzip stream whose header holds no text, with nothing after it."""
    content = source.read_bytes()
    if content[:2] != b"\x1f\x8b" or content[3] & GZIP_TEXT_FLAGS:
        return False
    stream = zlib.decompressobj(wbits=31)
    stream.decompress(content)
    return stream.eof and not stream.unused_data


def _store_bytes(content: bytes, target: Path) -> None:
    with target.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _on_grid(image: sitk.Image, like: sitk.Image, name: str) -> sitk.Image:
    if not have_same_grid(image, like):
        ours, theirs = Grid.of(image), Grid.of(like)
        raise GridMismatch(
            f"{name} is {ours.size} voxels of {_rounded(ours.spacing_mm)} mm, FLAIR {theirs.size} voxels of "
            f"{_rounded(theirs.spacing_mm)} mm, or lies elsewhere",
            remedy="labels of a case lie on its FLAIR's grid: draw or resample them there",
        )
    return image_like(like, voxels(image))


def _rounded(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in values)


def _smallest(image: sitk.Image) -> sitk.Image:
    """Whole numbers that fit 16 bits are stored so: scanners' images are, and take half the room."""
    array = voxels(image)
    # What is not a number compares as false.
    fits = bool(np.all(np.abs(array) <= LARGEST_WHOLE)) and bool(np.all(array == np.rint(array)))
    return image_like(image, array.astype(np.int16)) if fits else image
