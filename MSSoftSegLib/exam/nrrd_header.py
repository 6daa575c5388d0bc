"""NRRD headers, checked for what ITK passes over.

ITK reads a file without orientation as if it lay straight in the scanner, takes 1 mm for an axis that states none, takes
the memory that a size asks for whatever is there, and does not check the checksum of compressed voxels.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.inflating import SURPLUS_BYTES, Damaged, TooLong, inflate
from MSSoftSegLib.exam.itk_file import DAMAGED
from MSSoftSegLib.exam.placement import EXPORT_AGAIN, check_matrix, check_solid

# Spaces in which the patient's left and right are known; "scanner-xyz" and plain handedness say nothing of the head.
ANATOMICAL_SPACES = {
    "left-posterior-superior", "lps", "right-anterior-superior", "ras", "left-anterior-superior", "las",
}  # fmt: skip
MILLIMETERS = ("mm", "millimeter", "millimeters", "millimetre", "millimetres", "")
LONGEST_HEADER_BYTES = 1 << 20
# The format's names for the types of its numbers, by their size.
TYPES_OF_BYTES = {
    1: {"signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"},
    2: {"short", "short int", "signed short", "signed short int", "int16", "int16_t", "ushort", "unsigned short",
        "unsigned short int", "uint16", "uint16_t"},
    4: {"int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"},
    8: {"longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t",
        "ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t", "double"},
}  # fmt: skip


def check_nrrd(path: Path) -> None:
    """Refuse a NRRD file that is not one oriented three-dimensional grey-value image or whose voxels are incomplete."""
    name = path.name
    content = path.read_bytes()
    header, first_byte = _split(name, content)
    size = _size(name, header)
    check_matrix(name, _mm_from_voxel(name, header), size)
    voxels = _detached(path, header["datafile"]) if "datafile" in header else content[first_byte:]
    _check_voxels(name, header, size, voxels)
    if "datafile" in header and header.get("encoding", "").lower() == "raw" and not _says_what_to_skip(header):
        _check_no_surplus(name, header, size, voxels)


def find_voxel_file(path: Path) -> Path:
    """The file that holds the voxels: the one that a detached header names, else the file itself."""
    header, _ = _split(path.name, path.read_bytes())
    return path.parent / header["datafile"] if "datafile" in header else path


def _split(name: str, content: bytes) -> tuple[dict[str, str], int]:
    """The fields, names in lower case without blanks, and the offset of the first byte after the header."""
    if not content.startswith(b"NRRD000"):
        raise BadImage(f"{name} is not a NRRD file", remedy="give an image whose name tells what it is")
    blank = re.search(rb"\r?\n\r?\n", content[:LONGEST_HEADER_BYTES])
    end, first_byte = (blank.start(), blank.end()) if blank else (len(content), len(content))
    fields = {}
    for line in content[:end].decode("latin-1").splitlines()[1:]:
        key, separator, value = line.partition(":")
        # ":=" marks free key/value pairs, "#" comments.
        if separator and not value.startswith("=") and not line.startswith("#"):
            fields[re.sub(r"\s", "", key).lower()] = value.strip()
    return fields, first_byte


def _size(name: str, header: dict[str, str]) -> tuple[int, ...]:
    try:
        size = tuple(int(value) for value in header["sizes"].split())
    except (KeyError, ValueError):
        raise BadImage(f"the header of {name} is damaged: it states no size", remedy=DAMAGED) from None
    if len(size) > 3:
        stated = " × ".join(str(value) for value in size)
        raise BadImage(
            f"{name} is not one three-dimensional grey-value image ({stated} values)",
            remedy="extract the one volume that is meant and give that",
        )
    check_solid(name, size)
    return size


def _mm_from_voxel(name: str, header: dict[str, str]) -> np.ndarray:
    """The 4×4 matrix from voxel index to mm in the header's own space."""
    vectors = re.findall(r"\(([^)]*)\)", header.get("spacedirections", ""))
    origin = re.findall(r"\(([^)]*)\)", header.get("spaceorigin", ""))
    if header.get("space", "").lower() not in ANATOMICAL_SPACES or len(vectors) != 3 or len(origin) != 1:
        raise BadImage(
            f"{name} does not say how the head lies in it (space, space directions and space origin are needed)",
            remedy=EXPORT_AGAIN,
        )
    units = re.findall(r'"([^"]*)"', header.get("spaceunits", ""))
    if strange := [unit for unit in units if unit.strip().lower() not in MILLIMETERS]:
        raise BadImage(f"{name} lies in a space of {strange[0]!r}, not mm", remedy=EXPORT_AGAIN)
    matrix = np.eye(4)
    try:
        for axis, vector in enumerate([*vectors, *origin]):
            matrix[:3, axis] = [float(value) for value in vector.split(",")]
    except ValueError:
        raise BadImage(f"the orientation in the header of {name} is damaged", remedy=EXPORT_AGAIN) from None
    return matrix


def _detached(path: Path, data_file: str) -> bytes:
    if data_file.startswith("LIST") or "%" in data_file:
        raise BadImage(f"the voxels of {path.name} are spread over several files", remedy="save it as one .nrrd")
    try:
        return (path.parent / data_file).read_bytes()
    except OSError:
        raise BadImage(
            f"the file with the voxels that {path.name} names is missing", remedy="put both files into one folder"
        ) from None


def _check_voxels(name: str, header: dict[str, str], size: tuple[int, ...], voxels: bytes) -> None:
    """Refuse voxels that are damaged, or fewer than the size says: ITK takes the memory for all of them before it looks."""
    itemsize = _itemsize(name, header)
    stated = math.prod(size)
    encoding = header.get("encoding", "").lower()
    if encoding in ("gzip", "gz"):
        skip = header.get("lineskip", "0")
        voxels = _unpacked(name, voxels, stated * itemsize, lines_to_skip=int(skip) if skip.isdecimal() else 0)
    # Of text every value takes a character and, but for the last, what parts it from the next; other ways pack.
    least = {"raw": stated * itemsize, "gzip": stated * itemsize, "gz": stated * itemsize, "hex": 2 * stated * itemsize}
    least |= dict.fromkeys(("txt", "text", "ascii"), 2 * stated - 1)
    missing = least.get(encoding, 0) - len(voxels)
    if missing > 0:
        raise BadImage(f"{name} is cut short: {missing} bytes of its voxels are missing", remedy=DAMAGED)


def _says_what_to_skip(header: dict[str, str]) -> bool:
    return any(header.get(field, "0") != "0" for field in ("byteskip", "lineskip"))


def _check_no_surplus(name: str, header: dict[str, str], size: tuple[int, ...], voxels: bytes) -> None:
    """Of a detached file surplus means a wrong size, or a header that is not said to be skipped: every voxel would be moved."""
    surplus = len(voxels) - math.prod(size) * _itemsize(name, header)
    if surplus > 0:
        raise BadImage(
            f"the file with the voxels of {name} holds {surplus} bytes more than its header says", remedy=DAMAGED
        )


def _itemsize(name: str, header: dict[str, str]) -> int:
    """Bytes of a voxel."""
    kind = re.sub(r"\s+", " ", header.get("type", "").lower())
    itemsize = next((count for count, names in TYPES_OF_BYTES.items() if kind in names), None)
    if itemsize is None:
        raise BadImage(f"the voxels of {name} are of an unknown type", remedy=EXPORT_AGAIN)
    return itemsize


def _unpacked(name: str, content: bytes, promised_bytes: int, *, lines_to_skip: int) -> bytes:
    for _ in range(lines_to_skip):
        content = content.partition(b"\n")[2]
    try:
        return inflate(content, most_bytes=promised_bytes + SURPLUS_BYTES)[0]
    except TooLong:
        raise BadImage(f"{name} holds far more bytes than its header accounts for", remedy=DAMAGED) from None
    except Damaged:
        raise BadImage(f"the compressed data of {name} is damaged or incomplete", remedy=DAMAGED) from None
