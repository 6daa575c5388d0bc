"""Rigid alignment of one exam's images: elastix, Euler transform, Mattes mutual information (Docs/methods.md section 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import have_same_grid, orient_canonically, voxels
from MSSoftSegLib.preprocessing.elastix import parse_numbers, register
from MSSoftSegLib.preprocessing.mutual_information import mutual_information

# Smoothing of the pyramid in mm, coarse to fine: the same for thick and thin slices.
PYRAMID_MM = (8.0, 4.0, 2.0, 1.0)
# Grid on which starting positions are compared.
COARSE_MM = 4.0
# Images on one grid must gain at least this factor of mutual information to be interpolated again.
SMALLEST_GAIN_ON_ONE_GRID = 1.01
# Motions that show whether images match as they lie: so small that the match between them has one top.
SMALL_SHIFT_MM, SMALL_TURN_DEG = 1.0, 1.0


@dataclass(frozen=True)
class Alignment:
    """Where the points of a fixed image lie in a moving one, and how much better the two match for knowing it.

    moving_from_fixed maps a point of the fixed image's space to the moving image's space (LPS mm), as sitk.Resample
    expects. Mutual information in nats (mutual_information.py); `before` is with the headers alone.
    """

    moving_from_fixed: sitk.Euler3DTransform
    mutual_information_before: float
    mutual_information_after: float


def align_rigidly(moving: sitk.Image, fixed: sitk.Image) -> Alignment:
    """The rigid motion that matches the moving image to the fixed one; the same on every run.

    Starts from the headers, or from the centers of mass where these match better. Where registration does not raise
    the mutual information, as for images that are aligned already, the identity is returned; so it is for images on one
    grid whose match it hardly improves, which interpolation would only blur. Where small motions show that it would not,
    it is not tried.
    """
    moving, fixed = orient_canonically(moving), orient_canonically(fixed)
    identity = sitk.Euler3DTransform()
    before = mutual_information(moving, fixed, identity)
    if have_same_grid(moving, fixed) and matches_as_it_lies(moving, fixed, before):
        return Alignment(identity, before, before)
    start = _best_start(moving, fixed)
    found = register(fixed, _move(moving, start), _settings(fixed, moving))
    transform = _composed(start, _euler(found))
    after = mutual_information(moving, fixed, transform)
    # Interpolation smooths, and smoothing alone raises the mutual information a little.
    needed = before * SMALLEST_GAIN_ON_ONE_GRID if have_same_grid(moving, fixed) else before
    if after <= needed:
        return Alignment(identity, before, before)
    return Alignment(transform, before, after)


def matches_as_it_lies(moving: sitk.Image, fixed: sitk.Image, before: float) -> bool:
    """Whether small motions along and about each axis all match less well, and none between them could match much better.

    before: the mutual information without a motion. Between the two motions of an axis it is taken to be a parabola.
    """
    gain = 0.0
    for axis in range(6):
        back, forth = (mutual_information(moving, fixed, _small_motion(fixed, axis, way)) for way in (-1, 1))
        if max(back, forth) >= before:
            return False
        gain += (forth - back) ** 2 / (8 * (2 * before - back - forth))
    return gain < before * (SMALLEST_GAIN_ON_ONE_GRID - 1) / 2


def _small_motion(fixed: sitk.Image, axis: int, way: int) -> sitk.Euler3DTransform:
    """A shift along (0–2) or a turn about (3–5) an axis through the middle of the image."""
    motion = sitk.Euler3DTransform()
    middle = [(size - 1) / 2 for size in fixed.GetSize()]
    motion.SetCenter(fixed.TransformContinuousIndexToPhysicalPoint(middle))
    values = [0.0] * 6
    values[axis] = way * (SMALL_SHIFT_MM if axis < 3 else np.radians(SMALL_TURN_DEG))
    turn, shift = values[3:], values[:3]
    motion.SetRotation(*turn)
    motion.SetTranslation(shift)
    return motion


def _best_start(moving: sitk.Image, fixed: sitk.Image) -> np.ndarray:
    """The translation in mm, from fixed to moving points, from which registration starts."""
    coarse_moving, coarse_fixed = _coarse(moving), _coarse(fixed)
    shift = _center_of_mass(moving) - _center_of_mass(fixed)
    starts = [np.zeros(3), shift]
    scores = [
        mutual_information(coarse_moving, coarse_fixed, sitk.TranslationTransform(3, start.tolist()))
        for start in starts
    ]
    return starts[int(np.argmax(scores))]


def _coarse(image: sitk.Image) -> sitk.Image:
    """The image, smoothed and with voxels of about 4 mm."""
    smooth = sitk.SmoothingRecursiveGaussian(sitk.Cast(image, sitk.sitkFloat32), COARSE_MM / 2)
    return sitk.Shrink(smooth, [max(1, round(COARSE_MM / spacing)) for spacing in image.GetSpacing()])


def _center_of_mass(image: sitk.Image) -> np.ndarray:
    """Center of the head in LPS mm: of the voxels above Otsu's threshold, each counted once."""
    foreground = np.argwhere(voxels(sitk.OtsuThreshold(image, 0, 1)))
    middle = (np.asarray(image.GetSize()) - 1) / 2
    index = foreground.mean(axis=0)[::-1] if foreground.size else middle
    return np.asarray(image.TransformContinuousIndexToPhysicalPoint(index.tolist()))


def _move(image: sitk.Image, shift: np.ndarray) -> sitk.Image:
    """The same voxels with the header moved so that a point p of the result is the point p + shift of the image."""
    moved = sitk.Image(image)
    moved.SetOrigin((np.asarray(image.GetOrigin()) - shift).tolist())
    return moved


def _euler(parameters: Mapping[str, Sequence[str]]) -> sitk.Euler3DTransform:
    """elastix's Euler transform as SimpleITK's: both map fixed to moving points about the same center."""
    angles_and_shift = parse_numbers(parameters, "TransformParameters")
    transform = sitk.Euler3DTransform()
    transform.SetCenter(parse_numbers(parameters, "CenterOfRotationPoint"))
    transform.SetComputeZYX(parameters["ComputeZYX"][0] == "true")
    transform.SetParameters(angles_and_shift)
    return transform


def _composed(shift: np.ndarray, transform: sitk.Euler3DTransform) -> sitk.Euler3DTransform:
    """First the transform, then the shift, as one rigid transform."""
    composed = sitk.Euler3DTransform(transform)
    composed.SetTranslation((np.asarray(transform.GetTranslation()) + shift).tolist())
    return composed


def _settings(fixed: sitk.Image, moving: sitk.Image) -> dict[str, Sequence[str]]:
    """elastix parameters; pyramid factors are Gaussian widths in voxels, one per axis and level."""
    return {
        "Registration": ("MultiResolutionRegistration",),
        "Transform": ("EulerTransform",),
        "Metric": ("AdvancedMattesMutualInformation",),
        "NumberOfHistogramBins": ("32",),
        "Optimizer": ("AdaptiveStochasticGradientDescent",),
        "AutomaticParameterEstimation": ("true",),
        "AutomaticScalesEstimation": ("true",),
        "AutomaticTransformInitialization": ("false",),
        "Interpolator": ("LinearInterpolator",),
        "ImageSampler": ("RandomCoordinate",),
        "NumberOfSpatialSamples": ("3000",),
        "NewSamplesEveryIteration": ("true",),
        "CheckNumberOfSamples": ("true",),
        "RequiredRatioOfValidSamples": ("0.05",),
        "NumberOfResolutions": (str(len(PYRAMID_MM)),),
        "MaximumNumberOfIterations": ("200",),
        "FixedImagePyramid": ("FixedSmoothingImagePyramid",),
        "MovingImagePyramid": ("MovingSmoothingImagePyramid",),
        "FixedImagePyramidSchedule": _schedule(fixed),
        "MovingImagePyramidSchedule": _schedule(moving),
        "HowToCombineTransforms": ("Compose",),
        "FixedInternalImagePixelType": ("float",),
        "MovingInternalImagePixelType": ("float",),
    }


def _schedule(image: sitk.Image) -> tuple[str, ...]:
    """Smoothing factors by level and axis: a width in mm in voxels of the axis, at least one."""
    return tuple(str(max(1, round(width_mm / spacing))) for width_mm in PYRAMID_MM for spacing in image.GetSpacing())
