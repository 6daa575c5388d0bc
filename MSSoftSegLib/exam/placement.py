"""How far a header may misplace a voxel before it is refused.

Every way in which a header can be wrong about geometry (two orientations that differ, axes that are not at right angles,
a voxel size that contradicts the axes) is measured alike: how far does the worst corner voxel move, in mm?
"""

from __future__ import annotations

import math

import numpy as np

from MSSoftSegLib.errors import BadImage

# A tenth of a millimeter is a fifth of the finest voxels in clinical use and far more than headers lose to rounding.
PLACEMENT_TOLERANCE_MM = 0.1
# Voxels of a head image; a header in meters or micrometers, or one with nonsense, falls outside.
SMALLEST_SPACING_MM, LARGEST_SPACING_MM = 0.05, 50.0
# |determinant| of unit axes: 1 at right angles, below this they nearly lie in one plane.
DEGENERATE_DETERMINANT = 0.05
# Moves a voxel at 300 mm by 3e-12 mm.
NEGLIGIBLE_COSINE = 1e-14
# An eighth of a cubic millimeter and less over a whole head; what states more is damaged, or meant to fill the memory.
MOST_VOXELS = 1 << 29
EXPORT_AGAIN = "export the image again from the scanner's DICOM files, for example with dcm2niix"


def largest_corner_distance_mm(first: np.ndarray, second: np.ndarray, size: tuple[int, ...]) -> float:
    """The largest distance between the places that two 4×4 voxel-to-mm matrices give a corner voxel.

    size: voxels along x, y, z.
    """
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in size], indexing="ij"), dtype=float).reshape(3, -1)
    moved = (first[:3, :3] - second[:3, :3]) @ corners + (first[:3, 3] - second[:3, 3])[:, None]
    return float(np.linalg.norm(moved, axis=0).max())


def nearest_orthonormal(direction: np.ndarray) -> np.ndarray:
    """The 3×3 matrix of unit axes at right angles that is nearest to direction; a mirror stays a mirror."""
    left, _, right = np.linalg.svd(direction)
    nearest = left @ right
    # ITK inverts a direction that holds numbers like 1e-299 to NaN: their squares underflow.
    return np.where(np.abs(nearest) < NEGLIGIBLE_COSINE, 0.0, nearest)


def check_solid(file_name: str, size: tuple[int, ...]) -> None:
    """Refuse a single slice (a stack of two is already three-dimensional), and more voxels than an image of a head has."""
    stated = " × ".join(str(value) for value in size)
    if len(size) < 3 or min(size) < 2:
        raise BadImage(
            f"{file_name} is a single slice ({stated} voxels)", remedy="give the whole three-dimensional image"
        )
    if math.prod(size) > MOST_VOXELS:
        raise BadImage(
            f"{file_name} states {stated} voxels, more than an image of a head has",
            remedy="export it again, or resample it to voxels of half a millimeter or more",
        )


def check_range(file_name: str, stored: np.ndarray, values: np.ndarray) -> None:
    """Refuse numbers whose differences 32 bits cannot hold: all of them would be one value, or none a number.

    stored: as in the file; values: the same as float32.
    """
    held_exactly = stored.dtype.itemsize <= (4 if stored.dtype.kind == "f" else 2)
    if held_exactly or not np.all(np.isfinite(stored)):
        return
    low, high = float(stored.min()), float(stored.max())
    if low != high and values.min() == values.max():
        raise BadImage(
            f"the values of {file_name} ({low:.3g} to {high:.3g}) cannot be told apart in 32 bits",
            remedy="scale them to an ordinary range, such as 0 to 1000, and save the image again",
        )
    if not np.all(np.isfinite(values)):
        raise BadImage(
            f"the values of {file_name} ({low:.3g} to {high:.3g}) are beyond what 32 bits can hold",
            remedy="scale them to an ordinary range, such as 0 to 1000, and save the image again",
        )


def check_spacing(file_name: str, spacing_mm: np.ndarray) -> None:
    """Refuse a voxel size that is not finite, not positive or not one of a head image."""
    stated = " × ".join(f"{value:.4g}" for value in spacing_mm)
    if not np.all(np.isfinite(spacing_mm)) or np.any(spacing_mm <= 0):
        raise BadImage(f"the header of {file_name} gives a voxel size of {stated} mm", remedy=EXPORT_AGAIN)
    if np.any(spacing_mm < SMALLEST_SPACING_MM) or np.any(spacing_mm > LARGEST_SPACING_MM):
        raise BadImage(
            f"{file_name} has voxels of {stated} mm, which is not a head image in millimeters",
            remedy="correct the units or the voxel size in its header, or export it again",
        )


def check_axes(file_name: str, direction: np.ndarray, spacing_mm: np.ndarray, size: tuple[int, ...]) -> None:
    """Refuse axes that are not finite, lie in one plane, or are not unit vectors at right angles.

    direction: 3×3, one axis a column. Left-handed axes are as good as right-handed ones.
    """
    if not np.all(np.isfinite(direction)):
        raise BadImage(f"the orientation in the header of {file_name} is not a number", remedy=EXPORT_AGAIN)
    if abs(np.linalg.det(direction)) < DEGENERATE_DETERMINANT:
        raise BadImage(
            f"the orientation in the header of {file_name} is degenerate: its axes lie in one plane",
            remedy=EXPORT_AGAIN,
        )
    stated, straight = np.eye(4), np.eye(4)
    stated[:3, :3] = direction * spacing_mm
    straight[:3, :3] = nearest_orthonormal(direction) * spacing_mm
    bend_mm = largest_corner_distance_mm(stated, straight, size)
    if bend_mm > PLACEMENT_TOLERANCE_MM:
        raise BadImage(
            f"the axes of {file_name} are not unit vectors at right angles (sheared or scaled), which moves a "
            f"corner by {bend_mm:.2f} mm (allowed: {PLACEMENT_TOLERANCE_MM} mm)",
            remedy="resample it onto a grid with right angles first, or export it again without gantry-tilt shear",
        )


def check_matrix(file_name: str, mm_from_voxel: np.ndarray, size: tuple[int, ...]) -> None:
    """check_spacing and check_axes for a 4×4 matrix from voxel index to mm."""
    spacing_mm = np.linalg.norm(mm_from_voxel[:3, :3], axis=0)
    check_spacing(file_name, spacing_mm)
    if not np.all(np.isfinite(mm_from_voxel)):
        raise BadImage(f"the position in the header of {file_name} is not a number", remedy=EXPORT_AGAIN)
    check_axes(file_name, mm_from_voxel[:3, :3] / spacing_mm, spacing_mm, size)
