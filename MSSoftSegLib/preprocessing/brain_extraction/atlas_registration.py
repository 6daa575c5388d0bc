"""The atlas brain brought onto a head: the best pose, then an affine registration with elastix.

Only the brain and a rim around it take part: the atlas has no skull, and necks and faces differ without meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import JobFailed
from MSSoftSegLib.preprocessing.brain_extraction.atlas_maps import AtlasMaps
from MSSoftSegLib.preprocessing.brain_extraction.atlas_pose import PoseSearch
from MSSoftSegLib.preprocessing.elastix import parse_numbers, register

# How far around the brain the images are compared. The rim is dark in the atlas, as skull and CSF mostly are.
RIM_MM = 6.0
REGISTRATION_MM = 2.0
# Volume of the brain over the standard brain's: what lies beyond has been drawn onto the skull or into the brain.
VOLUME_LIMITS = (0.42, 1.15)


def register_atlas(atlas: AtlasMaps, head: sitk.Image) -> sitk.AffineTransform:
    """The affine transform that maps points of the atlas to the head (LPS mm).

    head: any contrast, isotropic. The pose that affine registration started from stands where it matches better, or where the
    registration left the sizes that brains have.
    """
    region = _region(atlas.brain)
    search = PoseSearch(atlas.t1, region, head)
    pose = search.best()
    try:
        refined = _refined(atlas.t1, region, head, pose)
    except JobFailed:
        return pose
    grown = float(np.linalg.det(np.reshape(refined.GetMatrix(), (3, 3))))
    if not VOLUME_LIMITS[0] <= grown <= VOLUME_LIMITS[1]:
        return pose
    return max(pose, refined, key=search.score)


def _refined(
    template: sitk.Image, region: sitk.Image, head: sitk.Image, pose: sitk.AffineTransform
) -> sitk.AffineTransform:
    """The affine transform from atlas to head points that elastix finds from the pose."""
    found = register(template, _in_atlas_space(head, pose), _settings(), fixed_mask=region)
    values = parse_numbers(found, "TransformParameters")
    correction = sitk.AffineTransform(3)
    correction.SetCenter(parse_numbers(found, "CenterOfRotationPoint"))
    correction.SetMatrix(values[:9])
    correction.SetTranslation(values[9:])
    return _product(pose, correction)


def _in_atlas_space(head: sitk.Image, pose: sitk.AffineTransform) -> sitk.Image:
    """The whole head resampled into the atlas's space by the pose, 2 mm voxels."""
    atlas_from_head = pose.GetInverse()
    corners = [
        atlas_from_head.TransformPoint(head.TransformIndexToPhysicalPoint(corner))
        for corner in product(*((0, size - 1) for size in head.GetSize()))
    ]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(n) for n in np.ceil((high - low) / REGISTRATION_MM)])
    resampler.SetOutputSpacing((REGISTRATION_MM,) * 3)
    resampler.SetOutputOrigin(low.tolist())
    resampler.SetTransform(pose)
    resampler.SetOutputPixelType(sitk.sitkFloat32)
    return resampler.Execute(sitk.SmoothingRecursiveGaussian(head, REGISTRATION_MM / 2))


def _product(second: sitk.AffineTransform, first: sitk.AffineTransform) -> sitk.AffineTransform:
    """One affine transform that does the first, then the second."""
    origin = np.asarray(second.TransformPoint(first.TransformPoint((0.0, 0.0, 0.0))))
    images = [np.asarray(second.TransformPoint(first.TransformPoint(tuple(unit)))) for unit in np.eye(3)]
    product_of_both = sitk.AffineTransform(3)
    product_of_both.SetMatrix((np.asarray(images) - origin).T.ravel().tolist())
    product_of_both.SetTranslation(origin.tolist())
    return product_of_both


def _region(brain: sitk.Image) -> sitk.Image:
    """The brain and the rim around it, uint8."""
    inside = sitk.BinaryThreshold(brain, 0.5, 2.0, 1, 0)
    return sitk.BinaryDilate(inside, [round(RIM_MM / spacing) for spacing in brain.GetSpacing()])


def _settings() -> dict[str, Sequence[str]]:
    """elastix parameters; smoothing 4 and 2 voxels wide, nothing is shrunk."""
    return {
        "Registration": ("MultiResolutionRegistration",),
        "Transform": ("AffineTransform",),
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
        "MaximumNumberOfSamplingAttempts": ("8",),
        "RequiredRatioOfValidSamples": ("0.05",),
        "NumberOfResolutions": ("2",),
        "MaximumNumberOfIterations": ("200",),
        "FixedImagePyramid": ("FixedSmoothingImagePyramid",),
        "MovingImagePyramid": ("MovingSmoothingImagePyramid",),
        "FixedImagePyramidSchedule": ("4", "4", "4", "2", "2", "2"),
        "MovingImagePyramidSchedule": ("2", "2", "2", "1", "1", "1"),
        "HowToCombineTransforms": ("Compose",),
        "FixedInternalImagePixelType": ("float",),
        "MovingInternalImagePixelType": ("float",),
    }
