"""Grids and frames: where every voxel lies in the patient.

SimpleITK's physical points are LPS (left, posterior, superior) in mm. Arrays are (z, y, x), as SimpleITK hands them out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

# Two headers that agree to a thousandth of a voxel describe the same grid: writers round in different places.
SAME_GRID_TOLERANCE_VOXELS = 1e-3
# The one order in which registration and networks see array axes: towards left, posterior, superior.
CANONICAL_ORDER = "LPS"


@dataclass(frozen=True)
class Grid:
    """A lattice of voxels in patient space: size and spacing in (x, y, z), origin in LPS mm, direction row-major."""

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[float, ...]

    @classmethod
    def of(cls, image: sitk.Image) -> Grid:
        """The grid of a three-dimensional image."""
        return cls(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing_mm))

    def image(self, array: np.ndarray) -> sitk.Image:
        """The array (z, y, x) as an image on this grid; its shape must be this grid's."""
        if array.shape != self.size[::-1]:
            raise ValueError(f"array {array.shape} does not fit a grid of {self.size[::-1]} (z, y, x)")
        image = sitk.GetImageFromArray(np.ascontiguousarray(array))
        image.SetSpacing(self.spacing_mm)
        image.SetOrigin(self.origin_mm)
        image.SetDirection(self.direction)
        return image

    def lps_from_voxel(self) -> np.ndarray:
        """4×4 matrix from a voxel index (x, y, z) to LPS mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.reshape(self.direction, (3, 3)) * np.asarray(self.spacing_mm)
        matrix[:3, 3] = self.origin_mm
        return matrix

    def reference(self) -> sitk.Image:
        """An empty 8-bit image on this grid, for resampling onto it."""
        image = sitk.Image(self.size, sitk.sitkUInt8)
        image.SetSpacing(self.spacing_mm)
        image.SetOrigin(self.origin_mm)
        image.SetDirection(self.direction)
        return image


def voxels(image: sitk.Image) -> np.ndarray:
    """The voxel values of an image, (z, y, x); a copy."""
    return sitk.GetArrayFromImage(image)


def image_like(reference: sitk.Image, array: np.ndarray) -> sitk.Image:
    """The array (z, y, x) as an image on the grid of the reference."""
    return Grid.of(reference).image(array)


def copy_image(image: sitk.Image) -> sitk.Image:
    """The same voxels and grid in memory of their own, for another thread: a filter of ITK notes on the image that it reads which
    part of it is wanted, and two at once read each other's notes. ``sitk.Image(image)`` is no such copy before it is changed."""
    own = sitk.Image(image)
    own.MakeUnique()
    return own


def have_same_grid(first: sitk.Image | Grid, second: sitk.Image | Grid) -> bool:
    """Whether corresponding corner voxels of two grids lie within a thousandth of a voxel of each other."""
    a = first if isinstance(first, Grid) else Grid.of(first)
    b = second if isinstance(second, Grid) else Grid.of(second)
    if a.size != b.size:
        return False
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in a.size], indexing="ij")).reshape(3, -1)
    homogeneous = np.vstack([corners, np.ones(corners.shape[1])])
    distance_mm = np.linalg.norm(((a.lps_from_voxel() - b.lps_from_voxel()) @ homogeneous)[:3], axis=0)
    return bool(distance_mm.max() <= SAME_GRID_TOLERANCE_VOXELS * min(a.spacing_mm))


def orient_canonically(image: sitk.Image) -> sitk.Image:
    """The same voxels with array axes permuted and flipped to run nearest to left, posterior, superior.

    No value is interpolated; registration and networks thereby see one order, however the file was stored.
    """
    return sitk.DICOMOrient(image, CANONICAL_ORDER)


def orientation_letters(image: sitk.Image) -> str:
    """Direction of increasing index along x, y, z, as in ``LPS``."""
    return str(sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection()))


def isotropic_grid_around(mask: sitk.Image, *, spacing_mm: float, margin_mm: float, multiple: int) -> Grid:
    """The isotropic grid along the mask's axes that holds its non-zero voxels and a margin.

    The size is rounded up to a multiple, equally on both sides, so that a network can halve it repeatedly.
    An empty mask is a ValueError: callers check first, where they can name the file.
    """
    occupied = np.nonzero(voxels(mask))
    if occupied[0].size == 0:
        raise ValueError("the mask is empty")
    spacing = np.asarray(mask.GetSpacing())
    # Voxel edges, not centers: half a voxel on each side belongs to the object.
    low_mm = np.array([axis.min() - 0.5 for axis in occupied[::-1]]) * spacing - margin_mm
    high_mm = np.array([axis.max() + 0.5 for axis in occupied[::-1]]) * spacing + margin_mm
    # Where the mask already has the spacing, its own lattice is kept: images on it are then copied, not blurred.
    on_lattice = np.isclose(spacing, spacing_mm, rtol=1e-5, atol=0)
    outer = outer_edges(low_mm, high_mm, spacing_mm=spacing_mm, voxel_center=np.zeros(3))
    low_mm, high_mm = np.where(on_lattice, outer[0], low_mm), np.where(on_lattice, outer[1], high_mm)
    # A spacing that 32-bit headers rounded up must not cost another voxel.
    count = np.ceil((high_mm - low_mm) / spacing_mm - 1e-3)
    count = (np.ceil(count / multiple) * multiple).astype(int)
    first_mm = (low_mm + high_mm) / 2 - (count - 1) / 2 * spacing_mm
    # An odd number of extra voxels would shift the lattice by half of one.
    first_mm = np.where(on_lattice, np.floor(first_mm / spacing_mm + 1e-3) * spacing_mm, first_mm)
    direction = np.reshape(mask.GetDirection(), (3, 3))
    origin = np.asarray(mask.GetOrigin()) + direction @ first_mm
    size_x, size_y, size_z = (int(n) for n in count)
    return Grid(
        size=(size_x, size_y, size_z),
        spacing_mm=(spacing_mm,) * 3,
        origin_mm=tuple(float(v) for v in origin),  # type: ignore[arg-type]
        direction=tuple(mask.GetDirection()),
    )


def outer_edges(
    low_mm: np.ndarray, high_mm: np.ndarray, *, spacing_mm: float, voxel_center: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Low and high moved outwards to the nearest voxel edges of the lattice that has a voxel center at the given place."""
    low = np.floor((low_mm - voxel_center) / spacing_mm + 0.5 + 1e-3) - 0.5
    high = np.ceil((high_mm - voxel_center) / spacing_mm - 0.5 - 1e-3) + 0.5
    return voxel_center + low * spacing_mm, voxel_center + high * spacing_mm


def resample(
    image: sitk.Image,
    grid: Grid,
    *,
    source_from_grid: sitk.Transform | None = None,
    interpolator: int = sitk.sitkLinear,
    pixel_type: int = sitk.sitkFloat32,
) -> sitk.Image:
    """The image on another grid; 0 outside its field of view.

    source_from_grid maps a point of the grid's space to the point of the image's space (ITK's convention).
    """
    transform = source_from_grid if source_from_grid is not None else sitk.Transform(3, sitk.sitkIdentity)
    return sitk.Resample(image, grid.reference(), transform, interpolator, 0.0, pixel_type)
