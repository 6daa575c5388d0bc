"""The region map of an exam as one file of its result, in the space of the reference image: it overlays that in any viewer.

One volume a region in the order of ``Region`` (cerebral white matter first, outer fluid last), uint8 in steps of 1/255. The
voxels are those of the working grid: a rigid way from there to the reference image is said by the header, and nothing is
interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, MSSoftSegError
from MSSoftSegLib.exam.geometry import Grid, resample, voxels
from MSSoftSegLib.exam.image_file import compute_sha256, read_maps, write_channels
from MSSoftSegLib.exam.linear import matrix_of
from MSSoftSegLib.exam.placement import nearest_orthonormal
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import REGIONS, Region
from MSSoftSegLib.result_files import REGION_MAPS_FILE

LEVELS = 255
# Places ask of cortex and ventricles only where they are at least half, and of white matter and outer fluid nothing. In coarse
# steps the noise of gray values, which tells cortex from white matter, packs to half the size. Each divides 255 and is odd: one
# half lies between two steps, so that what was at least half stays so, and nothing else becomes it.
STEPS = {region: LEVELS for region in REGIONS} | {
    Region.CEREBRAL_WHITE: 15,
    Region.CORTEX: 15,
    Region.OUTER_FLUID: 5,
    Region.LATERAL_VENTRICLE: 51,
    Region.THIRD_VENTRICLE: 51,
    Region.FOURTH_VENTRICLE: 51,
}
# Half a step of every volume, should all be rounded the same way.
MOST_ROUNDING = sum(0.5 / steps for steps in STEPS.values())
# A rigid matrix differs from the nearest one at right angles by less: at 300 mm that is 0.03 mm.
RIGID_TOLERANCE = 1e-4


def write_region_maps(regions: RegionMap, native_from_working: sitk.Transform, path: Path) -> None:
    """Write the map, brought to the reference image's space; native_from_working: of that image."""
    moved = move_regions(regions, native_from_working)
    channels = np.empty((len(REGIONS), *moved.grid.size[::-1]), np.uint8)
    for channel, region in zip(channels, REGIONS, strict=True):
        channel[:] = _rounded(sitk.GetArrayViewFromImage(moved.probability[region]), STEPS[region])
    write_channels(channels, moved.grid, path, slope=1 / LEVELS)


def _rounded(probability: np.ndarray, steps: int) -> np.ndarray:
    """In so many equal steps, uint8 of 0–255; what is just one half is rounded up."""
    return (np.floor(probability * np.float32(steps) + np.float32(0.5)) * (LEVELS // steps)).astype(np.uint8)


def read_region_maps(path: Path, source: str) -> RegionMap:
    """The map of a file, in the space of the result's reference image; source: who drew it.

    BadImage where the file is no such map: of the rounded probabilities of a voxel the sum is 1 in the brain and 0 outside.
    """
    images = read_maps(path, len(REGIONS))
    total = np.zeros(Grid.of(images[0]).size[::-1], np.float32)
    for image in images:
        total += sitk.GetArrayViewFromImage(image)
    inside = total > 0.5
    astray = np.abs(total - inside) > MOST_ROUNDING + 1e-3
    if not inside.any():
        raise BadImage(f"{path.name} holds no brain", remedy="segment the exam again")
    if astray.any():
        raise BadImage(
            f"{path.name} is no map of regions: they do not sum to 1 in {np.count_nonzero(astray)} voxels of the brain",
            remedy="segment the exam again",
        )
    return RegionMap(dict(zip(REGIONS, images, strict=True)), source)


@dataclass(frozen=True)
class KeptRegions:
    """The map that a result folder keeps. sha256: of the file, None where it has none; source: who drew it.

    By its form alone the map of another visit could not be told: only the file that the result was written with counts.
    """

    folder: Path
    sha256: str | None
    source: str

    def read(self) -> tuple[RegionMap | None, str | None]:
        """The map, in the space of the result's reference image, and None; or None, and why there is none, as a clause."""
        path = self.folder / REGION_MAPS_FILE
        if self.sha256 is None:
            return None, "this result keeps no map of regions; segment the exam again to have one"
        try:
            if compute_sha256(path) != self.sha256:
                return None, f"{path.name} is not the file that this result was written with; segment the exam again"
            return read_region_maps(path, self.source), None
        except MSSoftSegError as problem:
            return None, f"{problem.message}; {problem.remedy}"
        except OSError:
            return None, f"{path.name} could not be read from its disk; copy the result to this computer"


def move_regions(regions: RegionMap, native_from_working: sitk.Transform) -> RegionMap:
    """The map in the space that a linear transform leads to. A rigid one moves the grid and leaves every voxel as it is.

    Alignment is rigid. Should another be given, no grid of cubes says where its voxels lie: the map is then interpolated on the
    grid that is moved by the nearest rigid transform.
    """
    grid, matrix = regions.grid, matrix_of(native_from_working)
    turn = nearest_orthonormal(matrix[:3, :3])
    corner = matrix @ [*grid.origin_mm, 1.0]
    is_rigid = np.linalg.det(turn) > 0 and np.abs(turn - matrix[:3, :3]).max() <= RIGID_TOLERANCE
    if is_rigid:
        moved = _moved_grid(grid, turn, corner[:3])
        return RegionMap({r: _placed(image, moved) for r, image in regions.probability.items()}, regions.source)
    return _interpolated(regions, native_from_working, turn)


def _placed(image: sitk.Image, grid: Grid) -> sitk.Image:
    """A copy of the image with its voxels where the grid has them."""
    copy = sitk.Image(image)
    copy.SetOrigin(grid.origin_mm)
    copy.SetDirection(grid.direction)
    return copy


def _moved_grid(grid: Grid, turn: np.ndarray, origin_mm: np.ndarray) -> Grid:
    """The grid turned, with its first voxel at this place."""
    ox, oy, oz = (float(value) for value in origin_mm)
    direction = nearest_orthonormal(turn @ np.reshape(grid.direction, (3, 3)))
    return Grid(grid.size, grid.spacing_mm, (ox, oy, oz), tuple(float(value) for value in direction.ravel()))


def _interpolated(regions: RegionMap, native_from_working: sitk.Transform, turn: np.ndarray) -> RegionMap:
    """On a grid of the same spacing that holds all of the moved one; a voxel is brain where half of it is."""
    if np.linalg.det(turn) < 0:
        turn = np.eye(3)
    grid, matrix = regions.grid, matrix_of(native_from_working) @ regions.grid.lps_from_voxel()
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in grid.size], indexing="ij"), float).reshape(3, -1)
    direction = nearest_orthonormal(turn @ np.reshape(grid.direction, (3, 3)))
    along = direction.T @ (matrix[:3, :3] @ corners + matrix[:3, 3:])
    spacing = np.asarray(grid.spacing_mm)
    size_x, size_y, size_z = (int(n) for n in np.ceil(np.ptp(along, axis=1) / spacing) + 1)
    ox, oy, oz = (float(value) for value in direction @ along.min(axis=1))
    target = Grid((size_x, size_y, size_z), grid.spacing_mm, (ox, oy, oz), tuple(direction.ravel().tolist()))
    way = native_from_working.GetInverse()
    there = {r: voxels(resample(image, target, source_from_grid=way)) for r, image in regions.probability.items()}
    total = np.sum(list(there.values()), axis=0)
    whole = np.where(total >= 0.5, 1 / np.maximum(total, 0.5), 0).astype(np.float32)
    return RegionMap({r: target.image(array * whole) for r, array in there.items()}, regions.source)
