"""MetaImage headers (.mha, .mhd), checked for what ITK passes over.

ITK drops the sign of a negative voxel size, takes 1 mm and a straight head where none are stated, accepts axes that are
not at right angles, and goes on with half-decoded voxels when the compressed data is damaged.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.inflating import GZIP_OR_ZLIB, SURPLUS_BYTES, Damaged, TooLong, inflate
from MSSoftSegLib.exam.itk_file import DAMAGED
from MSSoftSegLib.exam.placement import EXPORT_AGAIN, check_axes, check_solid, check_spacing

# The format's synonyms, the most usual first.
MATRIX_KEYS = ("TransformMatrix", "Rotation", "Orientation")
ORIGIN_KEYS = ("Offset", "Position", "Origin")
SPACING_KEYS = ("ElementSpacing", "ElementSize")
BYTES_PER_VOXEL = {
    "MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4, "MET_LONG": 4,
    "MET_ULONG": 4, "MET_LONG_LONG": 8, "MET_ULONG_LONG": 8, "MET_FLOAT": 4, "MET_DOUBLE": 8,
}  # fmt: skip


def check_metaimage(path: Path) -> None:
    """Refuse a MetaImage that is not one oriented three-dimensional grey-value image or whose voxels are incomplete."""
    name = path.name
    content = path.read_bytes()
    header, first_byte = _split(name, content)
    size = _size(name, header)
    spacing_mm = np.array(_numbers(name, header, SPACING_KEYS, 3))
    _numbers(name, header, ORIGIN_KEYS, 3)
    # The file lists the axes one after the other: they are the columns of the direction matrix.
    direction = np.reshape(_numbers(name, header, MATRIX_KEYS, 9), (3, 3)).T
    check_spacing(name, spacing_mm)
    check_axes(name, direction, spacing_mm, size)
    voxels = content[first_byte:] if header["ElementDataFile"] == "LOCAL" else _detached(path, header)
    binary = header.get("BinaryData", "True").lower() == "true"
    # Of text every value takes a character and, but for the last, what parts it from the next.
    promised_bytes = math.prod(size) * _itemsize(name, header) if binary else 2 * math.prod(size) - 1
    if header.get("CompressedData", "").lower() == "true":
        voxels = _decompressed(name, voxels, promised_bytes)
    missing = promised_bytes - len(voxels)
    if missing > 0:
        raise BadImage(f"{name} is cut short: {missing} bytes of its voxels are missing", remedy=DAMAGED)
    # A detached voxel file may begin with a header of its own, where HeaderSize says so; all other surplus means a wrong size.
    skipped = header["ElementDataFile"] != "LOCAL" and header.get("HeaderSize", "0") != "0"
    if missing < 0 and binary and not skipped:
        raise BadImage(f"{name} holds {-missing} bytes more than its header says", remedy=DAMAGED)


def find_voxel_file(path: Path) -> Path:
    """The file that holds the voxels: the one that a detached header names, else the file itself."""
    header, _ = _split(path.name, path.read_bytes())
    return path if header["ElementDataFile"] == "LOCAL" else path.parent / header["ElementDataFile"]


def _split(name: str, content: bytes) -> tuple[dict[str, str], int]:
    """The fields and the offset of the first byte after the header, whose last field is ElementDataFile."""
    fields: dict[str, str] = {}
    position = 0
    while position < len(content) and "ElementDataFile" not in fields:
        end = content.find(b"\n", position)
        end = len(content) if end < 0 else end
        key, separator, value = content[position:end].decode("latin-1").partition("=")
        if not separator:
            break
        fields[key.strip()] = value.strip()
        position = end + 1
    if "ElementDataFile" not in fields:
        raise BadImage(f"{name} is not a MetaImage file", remedy="give an image whose name tells what it is")
    return fields, position


def _size(name: str, header: dict[str, str]) -> tuple[int, ...]:
    try:
        size = tuple(int(value) for value in header["DimSize"].split())
        channels = int(header.get("ElementNumberOfChannels", "1"))
    except (KeyError, ValueError):
        raise BadImage(f"the header of {name} is damaged: it states no size", remedy=DAMAGED) from None
    if len(size) > 3 or channels > 1:
        stated = " × ".join(str(value) for value in size)
        raise BadImage(
            f"{name} is not one three-dimensional grey-value image ({stated} voxels, values each: {channels})",
            remedy="extract the one grey-value volume that is meant and give that",
        )
    check_solid(name, size)
    return size


def _numbers(name: str, header: dict[str, str], keys: tuple[str, ...], count: int) -> list[float]:
    stated = next((header[key] for key in keys if key in header), None)
    if stated is None:
        raise BadImage(f"{name} does not say how the head lies in it ({keys[0]} is missing)", remedy=EXPORT_AGAIN)
    try:
        numbers = [float(value) for value in stated.split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not np.all(np.isfinite(numbers)):
        raise BadImage(f"the header of {name} is damaged: {keys[0]} must be {count} numbers", remedy=EXPORT_AGAIN)
    return numbers


def _detached(path: Path, header: dict[str, str]) -> bytes:
    if header["ElementDataFile"].startswith("LIST") or "%" in header["ElementDataFile"]:
        raise BadImage(
            f"the voxels of {path.name} are spread over several files", remedy="save it as one .mha or .nii.gz"
        )
    try:
        return (path.parent / header["ElementDataFile"]).read_bytes()
    except OSError:
        raise BadImage(
            f"the file with the voxels that {path.name} names is missing", remedy="put both files into one folder"
        ) from None


def _decompressed(name: str, content: bytes, promised_bytes: int) -> bytes:
    try:
        return inflate(content, most_bytes=promised_bytes + SURPLUS_BYTES, kind=GZIP_OR_ZLIB)[0]
    except TooLong:
        raise BadImage(f"{name} holds far more bytes than its header accounts for", remedy=DAMAGED) from None
    except Damaged:
        raise BadImage(f"the compressed data of {name} is damaged or incomplete", remedy=DAMAGED) from None


def _itemsize(name: str, header: dict[str, str]) -> int:
    """Bytes of a voxel."""
    try:
        return BYTES_PER_VOXEL[header.get("ElementType", "")]
    except KeyError:
        raise BadImage(f"the voxels of {name} are of an unknown type", remedy=EXPORT_AGAIN) from None
