"""Tiny, anisotropic, oblique, asymmetric images, and files with headers that libraries refuse to write."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import Grid

# x, y, z all differ, and so do the spacings.
SIZE = (6, 5, 4)
SPACING_MM = (0.9, 1.2, 3.1)
ORIGIN_MM = (-80.25, 41.5, 12.125)
TURN = Rotation.from_euler("xyz", [8, -13, 21], degrees=True).as_matrix()
LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

# Byte offsets of the NIfTI-1 standard.
DIM, PIXDIM, SLOPE, QUATERNION, SFORM, MAGIC = 40, 76, 112, 256, 280, 344

NRRD_FIELDS = {
    "type": "float", "dimension": "3", "space": "left-posterior-superior", "sizes": "6 5 4",
    "space directions": "(0.9,0,0) (0,1.2,0) (0,0,3.1)", "kinds": "domain domain domain", "endian": "little",
    "encoding": "raw", "space origin": "(-80.25,41.5,12.125)",
}  # fmt: skip
META_FIELDS = {
    "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "-80.25 41.5 12.125",
    "ElementSpacing": "0.9 1.2 3.1", "DimSize": "6 5 4", "ElementType": "MET_FLOAT", "ElementDataFile": "LOCAL",
}  # fmt: skip


def angles(limit: float) -> st.SearchStrategy[float]:
    """Angles in rad, to a millionth: a direction that holds 1e-299 is one that ITK cannot invert."""
    return st.floats(-limit, limit).map(lambda angle: round(angle, 6))


def made_voxels() -> np.ndarray:
    """Float32 (z, y, x), every value different."""
    return (np.random.default_rng(7).permutation(np.prod(SIZE)) * 1.25 - 3).astype(np.float32).reshape(SIZE[::-1])


def made_grid(direction: np.ndarray = TURN) -> Grid:
    return Grid(SIZE, SPACING_MM, ORIGIN_MM, tuple(direction.ravel().tolist()))


def made_image() -> sitk.Image:
    return made_grid().image(made_voxels())


def ras_affine(grid: Grid) -> np.ndarray:
    return LPS_FROM_RAS @ grid.lps_from_voxel()


def write_nifti(
    path: Path,
    voxels_xyz: np.ndarray | None = None,
    *,
    qform: np.ndarray | None = None,
    sform: np.ndarray | None = None,
    codes: tuple[int, int] = (1, 1),
) -> Path:
    """A NIfTI-1 file made by nibabel; both forms default to the grid of made_image."""
    affine = ras_affine(made_grid())
    image = nibabel.Nifti1Image(made_voxels().T if voxels_xyz is None else voxels_xyz, affine)
    image.set_qform(affine if qform is None else qform, codes[0])
    image.set_sform(affine if sform is None else sform, codes[1])
    nibabel.save(image, path)
    return path


def patch(path: Path, offset: int, new: bytes) -> Path:
    """Overwrite bytes of a file in place."""
    content = bytearray(path.read_bytes())
    content[offset : offset + len(new)] = new
    path.write_bytes(content)
    return path


def write_nrrd(path: Path, data: bytes | None = None, /, **changes: str | None) -> Path:
    """A NRRD file by hand; a change of None leaves the field out, underscores stand for blanks."""
    fields = NRRD_FIELDS | {key.replace("_", " "): value for key, value in changes.items()}
    lines = ["NRRD0004", *(f"{key}: {value}" for key, value in fields.items() if value is not None), "", ""]
    path.write_bytes("\n".join(lines).encode() + (made_voxels().tobytes() if data is None else data))
    return path


def write_meta(path: Path, data: bytes | None = None, /, **changes: str | None) -> Path:
    """A MetaImage by hand; a change of None leaves the field out. ElementDataFile must come last."""
    fields = META_FIELDS | changes
    fields["ElementDataFile"] = fields.pop("ElementDataFile")
    lines = [f"{key} = {value}\n" for key, value in fields.items() if value is not None]
    path.write_bytes("".join(lines).encode() + (made_voxels().tobytes() if data is None else data))
    return path


def gzip_with_flipped_bit(content: bytes) -> bytes:
    """A gzip stream that decompresses to other bytes than it was made from; only its checksum tells."""
    stored = bytearray(gzip.compress(content, compresslevel=0))
    stored[len(stored) // 2] ^= 1
    return bytes(stored)


def refusal(read: Callable[[Path], object], path: Path) -> str:
    """What the user is told when a file is refused; checks what holds for every refusal."""
    with pytest.raises(BadImage) as caught:
        read(path)
    text = str(caught.value)
    assert path.name in caught.value.message
    assert caught.value.remedy
    assert caught.value.exit_code == 2
    assert caught.value.code == "bad-image"
    for secret in (str(path.parent), path.parent.name, "ITK", "Traceback", ".cxx"):
        assert secret not in text
    return text
