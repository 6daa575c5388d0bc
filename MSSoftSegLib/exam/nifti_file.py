"""NIfTI files, read without ITK's silent repairs.

ITK fills a truncated file with zeros, turns NaN into 0 and a zero voxel size into 1 mm, drops a negative one's sign, and
chooses between two contradicting orientations without a word. So the voxels are decoded and the header is checked here;
where the image lies is still taken from ITK, so that it lies where Slicer shows it, after both were found to agree.
"""

from __future__ import annotations

import gzip
import io
import math
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.image_format import ImageFormat
from MSSoftSegLib.exam.inflating import SURPLUS_BYTES, Damaged, TooLong, inflate_all, peek
from MSSoftSegLib.exam.itk_file import DAMAGED, read_grid_by_itk
from MSSoftSegLib.exam.placement import (
    EXPORT_AGAIN,
    MOST_VOXELS,
    PLACEMENT_TOLERANCE_MM,
    check_matrix,
    check_range,
    check_solid,
    check_spacing,
    largest_corner_distance_mm,
    nearest_orthonormal,
)

HEADER_BYTES = 348
NIFTI2_HEADER_BYTES = 540
FIRST_VOXEL_BYTE = 352
GZIP_MARK = b"\x1f\x8b"
# What Git LFS and git-annex leave in the place of a file that was not fetched.
POINTERS = (b"version https://git-lfs", b"/annex/objects/", b"../.git/annex/", b".git/annex/")
# The four bytes behind the header: none follow.
NO_NOTES = bytes(4)
# Behind all notes that a writer may put between header and voxels.
LAST_FIRST_VOXEL_BYTE = 1 << 26
# The lower three bits of xyzt_units; 0 is "unknown", which everyone reads as mm.
MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
# NIfTI points are RAS, ITK's LPS.
LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# The header's code for a place in the scanner, and its units of length.
SCANNER, MM = 1, 2
# Nearly as small as the highest leaves it, in a tenth of its time.
PACKING = 5


def read_nifti(path: Path) -> sitk.Image:
    """A NIfTI-1 file as a three-dimensional float32 image, its scaling applied, its grid checked."""
    stored = path.read_bytes()
    header = _header(path.name, _beginning(path.name, stored))
    size = _size(path.name, header)
    array = _voxels(path.name, header, _unpacked(path.name, stored, header), size)
    return _grid(path, header, size).image(array)


def read_nifti_channels(path: Path, count: int, *, remedy: str) -> list[sitk.Image]:
    """The volumes of a four-dimensional NIfTI-1 file, each as ``read_nifti`` gives one.

    BadImage where there are not so many; remedy: what to do then.
    """
    stored = path.read_bytes()
    header = _header(path.name, _beginning(path.name, stored))
    *size, found = [*_dimensions(path.name, header), 1, 1, 1][:4]
    if found != count or len(_dimensions(path.name, header)) > 4:
        shown = " × ".join(str(side) for side in _dimensions(path.name, header))
        raise BadImage(f"{path.name} has {shown} voxels, not {count} channels", remedy=remedy)
    x, y, z = size
    check_solid(path.name, (x, y, z))
    whole = _voxels(path.name, header, _unpacked(path.name, stored, header), (x, y, z, count))
    grid = _grid(path, header, (x, y, z))
    return [grid.image(channel) for channel in whole]


def pack_nifti_channels(channels: np.ndarray, grid: Grid, *, slope: float) -> bytes:
    """A gzip-compressed four-dimensional NIfTI-1 file: uint8 (channel, z, y, x) on the grid, each to be multiplied by the slope.

    The header holds where and how large the voxels are and nothing else; the same voxels are the same bytes.
    """
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape((*grid.size, len(channels)))
    ras_from_voxel = LPS_FROM_RAS @ grid.lps_from_voxel()
    header.set_zooms((*grid.spacing_mm, 1.0))
    header.set_qform(ras_from_voxel, code=SCANNER)
    header.set_sform(ras_from_voxel, code=SCANNER)
    header.set_slope_inter(slope, 0.0)
    header["xyzt_units"], header["vox_offset"] = MM, FIRST_VOXEL_BYTE
    voxels = np.ascontiguousarray(channels, np.uint8)
    return gzip.compress(header.binaryblock + NO_NOTES + voxels.tobytes(), PACKING, mtime=0)


def read_decompressed(path: Path) -> bytes:
    """The whole file, decompressed if its name ends in .gz; the checksum in the gzip trailer must hold."""
    stored = path.read_bytes()
    return _unpacked(path.name, stored, _header(path.name, _beginning(path.name, stored)))


def check_complete(path: Path) -> None:
    """Refuse a file that does not hold all the voxels that its header promises."""
    stored = path.read_bytes()
    header = _header(path.name, _beginning(path.name, stored))
    _stored(path.name, header, _unpacked(path.name, stored, header), _size(path.name, header))


def _is_packed(name: str) -> bool:
    return name.lower().endswith(".gz")


def _beginning(name: str, stored: bytes) -> bytes:
    """The header and a little more, decompressed where the name says so: enough to know how much may follow."""
    if stored.startswith(POINTERS):
        raise BadImage(f"{name} stands for a file that is not here", remedy="fetch it: git lfs pull, datalad get")
    packed = stored[:2] == GZIP_MARK
    if not _is_packed(name):
        if packed:
            raise BadImage(
                f"{name} is not a NIfTI file as it is, but a gzip-compressed one", remedy="rename it to .nii.gz"
            )
        return stored[:NIFTI2_HEADER_BYTES]
    if not packed:
        if stored[344:348] != b"n+1\0":
            raise BadImage(f"{name} is neither gzip-compressed nor NIfTI", remedy=DAMAGED)
        raise BadImage(f"{name} is not gzip-compressed, as its name says", remedy="rename it to .nii")
    try:
        beginning = peek(stored, NIFTI2_HEADER_BYTES)
    except Damaged:
        raise _damaged(name) from None
    if len(beginning) < FIRST_VOXEL_BYTE:
        # Cut short in transfer rather than something else under this name, where not even this is whole.
        _inflated(name, stored, NIFTI2_HEADER_BYTES)
    return beginning


def _unpacked(name: str, stored: bytes, header: nibabel.Nifti1Header) -> bytes:
    """The whole file decompressed, and no more than its header accounts for."""
    voxels = math.prod(_dimensions(name, header))
    if voxels > MOST_VOXELS:
        raise BadImage(f"{name} states {voxels} values, more than an image of a head has", remedy=EXPORT_AGAIN)
    if not _is_packed(name):
        return stored
    promised_bytes = _first_voxel_byte(name, header) + voxels * _type(name, header).itemsize
    return _inflated(name, stored, promised_bytes + SURPLUS_BYTES)


def _inflated(name: str, stored: bytes, most_bytes: int) -> bytes:
    try:
        return inflate_all(stored, most_bytes=most_bytes)
    except TooLong:
        raise BadImage(f"{name} holds far more bytes than its header accounts for", remedy=DAMAGED) from None
    except Damaged:
        raise _damaged(name) from None


def _damaged(name: str) -> BadImage:
    return BadImage(f"the compressed data of {name} is damaged or incomplete", remedy=DAMAGED)


def _header(name: str, content: bytes) -> nibabel.Nifti1Header:
    sizes = {int.from_bytes(content[:4], order) for order in ("little", "big")}
    if NIFTI2_HEADER_BYTES in sizes:
        raise BadImage(f"{name} is a NIfTI-2 file", remedy="save it as NIfTI-1, which Slicer reads too")
    if HEADER_BYTES not in sizes or len(content) < FIRST_VOXEL_BYTE or content[344:347] != b"n+1":
        raise BadImage(f"{name} is not a NIfTI file", remedy="give an image whose name tells what it is")
    try:
        # Without the notes that may follow, of which nothing is needed and which need not be all there yet.
        return nibabel.Nifti1Header.from_fileobj(io.BytesIO(content[:HEADER_BYTES] + NO_NOTES), check=False)
    except (WrapStructError, HeaderDataError, ValueError):
        raise BadImage(f"the header of {name} is damaged", remedy=DAMAGED) from None


def _dimensions(name: str, header: nibabel.Nifti1Header) -> list[int]:
    count = int(header["dim"][0])
    dims = [int(value) for value in header["dim"][1 : count + 1]]
    if not 1 <= count <= 7 or any(value < 1 for value in dims):
        raise BadImage(f"the header of {name} is damaged: its size is not positive", remedy=DAMAGED)
    while len(dims) > 4 and dims[-1] == 1:
        dims.pop()
    return dims


def _size(name: str, header: nibabel.Nifti1Header) -> tuple[int, int, int]:
    dims = _dimensions(name, header)
    if any(value > 1 for value in dims[3:]):
        stated = " × ".join(str(value) for value in dims)
        raise BadImage(
            f"{name} is not one three-dimensional image ({stated} voxels)",
            remedy="extract the one volume that is meant and give that",
        )
    x, y, z = ([*dims, 1, 1])[:3]
    check_solid(name, (x, y, z))
    return x, y, z


def _stored(name: str, header: nibabel.Nifti1Header, content: bytes, size: tuple[int, ...]) -> np.ndarray:
    """The voxels as stored, (x, y, z[, channel]), a view of content."""
    dtype = _type(name, header)
    if dtype.kind not in "iuf":
        raise BadImage(
            f"{name} holds color or complex values, not grey values",
            remedy="give the original magnitude image, not a screenshot, color map or raw data",
        )
    offset = _first_voxel_byte(name, header)
    missing = offset + int(np.prod(size, dtype=np.int64)) * dtype.itemsize - len(content)
    if missing > 0:
        raise BadImage(f"{name} is cut short: {missing} bytes of its voxels are missing", remedy=DAMAGED)
    return np.frombuffer(content, dtype, int(np.prod(size)), offset).reshape(size, order="F")


def _type(name: str, header: nibabel.Nifti1Header) -> np.dtype:
    """How a voxel is stored."""
    try:
        return header.get_data_dtype()
    except (HeaderDataError, KeyError):
        raise BadImage(f"the voxels of {name} are of an unknown type", remedy=EXPORT_AGAIN) from None


def _first_voxel_byte(name: str, header: nibabel.Nifti1Header) -> int:
    stated = float(header["vox_offset"])
    if stated > LAST_FIRST_VOXEL_BYTE:
        raise BadImage(f"the header of {name} is damaged: it says nowhere near where the voxels begin", remedy=DAMAGED)
    # Some writers leave it 0, or not a number, where nothing stands between.
    return int(stated) if stated >= FIRST_VOXEL_BYTE else FIRST_VOXEL_BYTE


def _voxels(name: str, header: nibabel.Nifti1Header, content: bytes, size: tuple[int, ...]) -> np.ndarray:
    """Float32 voxel values ([channel,] z, y, x) with scl_slope and scl_inter applied (a slope of 0 means none)."""
    stored = _stored(name, header, content, size)
    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError:
        raise BadImage(f"the intensity scaling in the header of {name} is not a number", remedy=EXPORT_AGAIN) from None
    with np.errstate(over="ignore", invalid="ignore"):
        if slope is not None and (slope, intercept) != (1.0, 0.0):
            stored = stored.astype(np.float64) * slope + intercept
        values = stored.T.astype(np.float32)
    check_range(name, stored, values)
    return values


def _grid(path: Path, header: nibabel.Nifti1Header, size: tuple[int, int, int]) -> Grid:
    """Where ITK places the file, once its header was found to mean exactly that."""
    unit_mm = MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)
    check_spacing(path.name, header["pixdim"][1:4].astype(float) * unit_mm)
    ras_from_voxel = _ras_from_voxel(path.name, header, size, unit_mm)
    check_matrix(path.name, ras_from_voxel, size)
    grid = _grid_by_itk_or_header(path, ras_from_voxel, size)
    apart_mm = largest_corner_distance_mm(LPS_FROM_RAS @ ras_from_voxel, grid.lps_from_voxel(), size)
    if apart_mm > PLACEMENT_TOLERANCE_MM:
        raise BadImage(
            f"voxel size and orientation in the header of {path.name} contradict each other by {apart_mm:.2f} mm "
            "at a corner",
            remedy=EXPORT_AGAIN,
        )
    return grid


def _grid_by_itk_or_header(path: Path, ras_from_voxel: np.ndarray, size: tuple[int, int, int]) -> Grid:
    """ITK refuses axes that rounded numbers turned off a right angle by less than we allow: these are straightened."""
    try:
        return read_grid_by_itk(path, ImageFormat.NIFTI)
    except BadImage:
        matrix = LPS_FROM_RAS @ ras_from_voxel
        spacing_mm = np.linalg.norm(matrix[:3, :3], axis=0)
        direction = nearest_orthonormal(matrix[:3, :3] / spacing_mm)
        numbers = (spacing_mm, matrix[:3, 3], direction.ravel())
        spacing, origin, cosines = (tuple(float(value) for value in each) for each in numbers)
        return Grid(size, spacing, origin, cosines)  # type: ignore[arg-type]


def _ras_from_voxel(name: str, header: nibabel.Nifti1Header, size: tuple[int, int, int], unit_mm: float) -> np.ndarray:
    """The 4×4 matrix from voxel index to RAS mm that qform and sform agree on."""
    stated = [matrix for matrix in (_sform(header, unit_mm), _qform(name, header, unit_mm)) if matrix is not None]
    if not stated:
        raise BadImage(
            f"{name} does not say how the head lies in it (qform and sform codes are both 0)", remedy=EXPORT_AGAIN
        )
    apart_mm = largest_corner_distance_mm(stated[0], stated[-1], size)
    # Not "apart > allowed": what is not a number must be refused too.
    if not apart_mm <= PLACEMENT_TOLERANCE_MM and len(stated) > 1:
        raise BadImage(
            f"the two orientations in the header of {name} (qform and sform) disagree by {apart_mm:.2f} mm "
            f"at a corner (allowed: {PLACEMENT_TOLERANCE_MM} mm)",
            remedy="set both to the one that is right, or export the image again",
        )
    return stated[0]


def _qform(name: str, header: nibabel.Nifti1Header, unit_mm: float) -> np.ndarray | None:
    """4×4 matrix from voxel index to RAS mm by the qform, None where its code is 0."""
    if int(header["qform_code"]) <= 0:
        return None
    header = header.copy()
    if header["pixdim"][0] not in (-1, 1):
        header["pixdim"][0] = 1  # the standard: anything but −1 means 1
    try:
        return _in_mm(header.get_qform(), unit_mm)
    except (HeaderDataError, ValueError):
        raise BadImage(f"the qform in the header of {name} is not a rotation", remedy=EXPORT_AGAIN) from None


def _sform(header: nibabel.Nifti1Header, unit_mm: float) -> np.ndarray | None:
    """4×4 matrix from voxel index to RAS mm by the sform, None where its code is 0."""
    return _in_mm(header.get_sform(), unit_mm) if int(header["sform_code"]) > 0 else None


def _in_mm(matrix: np.ndarray, unit_mm: float) -> np.ndarray:
    scaled = np.array(matrix, dtype=float)
    scaled[:3] *= unit_mm
    return scaled
