"""A scanner: slices of finite thickness on its own oblique grid, coil shading, noise, whole-number intensities.

The patient is sampled once, through one transform that takes each native voxel back into the patient's frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.geometry import Grid, resample, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.fields import smooth_field, white_noise

# What the slices cover, LPS mm from the middle of the brain, lowest and highest (x, y, z); a bit of air around the head.
COVERED_LOW_MM = (-100.0, -122.0, -104.0)
COVERED_HIGH_MM = (100.0, 108.0, 98.0)
BIAS_SCALE_MM = 90.0


@dataclass(frozen=True)
class Acquisition:
    """How one contrast is scanned.

    orientation: direction of increasing index along x, y, z (letters as in LPS); z is the slice direction.
    spacing_mm: (x, y, z), z is the slice thickness too: slices touch. tilt_deg: turn of the slices about the left–right axis.
    bias: largest relative change by coil shading. noise: SD relative to white matter. white_level: its value in the file.
    """

    modality: Modality
    spacing_mm: tuple[float, float, float]
    orientation: str = "LPS"
    tilt_deg: float = 0.0
    bias: float = 0.2
    noise: float = 0.03
    white_level: float = 400.0

    def __post_init__(self) -> None:
        if min(self.spacing_mm) <= 0:
            raise RequestError(
                f"the {self.modality} spacing {self.spacing_mm} is not positive",
                remedy="give three spacings in mm above 0",
            )
        axes = [{"L": 0, "R": 0, "P": 1, "A": 1, "S": 2, "I": 2}.get(letter) for letter in self.orientation]
        if sorted(axis for axis in axes if axis is not None) != [0, 1, 2] or len(axes) != 3:
            raise RequestError(
                f"{self.orientation!r} is no orientation",
                remedy="name each of left–right, front–back, up–down once, as in LPS",
            )


def native_grid(acquisition: Acquisition) -> Grid:
    """The grid of an acquisition, centered on the middle of the brain in scanner space."""
    letters = sitk.DICOMOrientImageFilter.GetDirectionCosinesFromOrientation(acquisition.orientation)
    axes = np.reshape(letters, (3, 3))
    low, high = np.asarray(COVERED_LOW_MM), np.asarray(COVERED_HIGH_MM)
    extent_mm = np.abs(axes.T) @ (high - low)
    size_x, size_y, size_z = (int(n) for n in np.ceil(extent_mm / acquisition.spacing_mm))
    tilt = Rotation.from_euler("x", acquisition.tilt_deg, degrees=True).as_matrix()
    direction = tilt @ axes
    half = (np.array([size_x, size_y, size_z]) - 1) / 2 * np.asarray(acquisition.spacing_mm)
    x, y, z = (float(v) for v in tilt @ ((low + high) / 2) - direction @ half)
    return Grid((size_x, size_y, size_z), acquisition.spacing_mm, (x, y, z), tuple(float(v) for v in direction.ravel()))


def sample_patient(patient: sitk.Image, grid: Grid, native_from_patient: sitk.Transform) -> np.ndarray:
    """The mean of the patient's image over each voxel of the grid (box profile), float32 (z, y, x).

    Each voxel is averaged over sub-samples no wider apart than the patient's voxels, so that nothing is aliased.
    """
    spacing = np.asarray(grid.spacing_mm)
    times = np.maximum(1, np.rint(spacing / patient.GetSpacing()).astype(int))
    fine = subdivide(grid, (int(times[0]), int(times[1]), int(times[2])))
    # ITK wants the way back: from the point asked for to the point where the patient's image is read.
    array = voxels(resample(patient, fine, source_from_grid=native_from_patient.GetInverse()))
    for axis, count in enumerate(times[::-1]):
        if count > 1:
            shape = list(array.shape)
            shape[axis : axis + 1] = [shape[axis] // int(count), int(count)]
            array = array.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
    return array


def subdivide(grid: Grid, times: tuple[int, int, int]) -> Grid:
    """The grid with each voxel cut into ``times`` (x, y, z) equal parts."""
    spacing = np.asarray(grid.spacing_mm) / times
    shift = (spacing - grid.spacing_mm) / 2
    origin = np.asarray(grid.origin_mm) + np.reshape(grid.direction, (3, 3)) @ shift
    size_x, size_y, size_z = (n * t for n, t in zip(grid.size, times, strict=True))
    (sx, sy, sz), (ox, oy, oz) = map(float, spacing), map(float, origin)
    return Grid((size_x, size_y, size_z), (sx, sy, sz), (ox, oy, oz), grid.direction)


def acquire(
    patient: sitk.Image, acquisition: Acquisition, native_from_patient: sitk.Transform, *, rng: np.random.Generator
) -> sitk.Image:
    """The scanner's image on its native grid: float32 holding whole numbers at least 0."""
    grid = native_grid(acquisition)
    signal = sample_patient(patient, grid, native_from_patient)
    signal *= coil_shading(grid, acquisition.bias, rng=rng)
    noisy = add_rician_noise(signal, acquisition.noise, rng=rng)
    return grid.image(np.rint(noisy * np.float32(acquisition.white_level)))


def coil_shading(grid: Grid, bias: float, *, rng: np.random.Generator) -> np.ndarray:
    """A smooth factor float32 (z, y, x) whose largest deviation from 1 is ``bias``."""
    shape = grid.size[::-1]
    field = smooth_field(shape, [BIAS_SCALE_MM / s for s in grid.spacing_mm[::-1]], rng=rng)
    field -= (field.max() + field.min()) / 2
    shading: np.ndarray = 1 + bias * field / max(float(np.abs(field).max()), 1e-6)
    return shading


def add_rician_noise(signal: np.ndarray, noise: float, *, rng: np.random.Generator) -> np.ndarray:
    """Magnitude of the signal with independent Gaussian noise in both channels (Gudbjartsson and Patz 1995)."""
    real = signal + np.float32(noise) * white_noise(signal.shape, rng=rng)
    imaginary = np.float32(noise) * white_noise(signal.shape, rng=rng)
    return np.asarray(np.hypot(real, imaginary))
