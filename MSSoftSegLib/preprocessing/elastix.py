"""elastix without its habits: no console output, no files, the same result on every run.

elastix is reached through itk-elastix, imported on first use and only in the parts that are used: asked by its public names, the
package itk loads some 90 libraries with all their templates first, which takes seconds.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import JobFailed, PackageMissing
from MSSoftSegLib.exam.geometry import voxels

RANDOM_SEED = 20190126
# Sums over threads are rounded differently when their number differs: a fixed number gives one result on every machine.
THREADS = 4
# Decimals of a header that elastix is shown (mm, direction cosines). When the sixth differs, as in the same image written by
# another program, its stochastic descent ends up to 0.1 mm elsewhere; a micrometer moves no lesion.
ORIGIN_DECIMALS, SPACING_DECIMALS, DIRECTION_DECIMALS = 3, 5, 5

TransformParameters = Mapping[str, Sequence[str]]


def register(
    fixed: sitk.Image,
    moving: sitk.Image,
    settings: Mapping[str, Sequence[str]],
    *,
    fixed_mask: sitk.Image | None = None,
) -> TransformParameters:
    """The transform parameters that elastix finds, by elastix's own names; it maps fixed to moving points (LPS mm).

    fixed_mask: voxels of the fixed image to sample from, on any grid of its space.
    """
    classes = _classes()
    parameters = classes.parameters.New()
    parameters.AddParameterMap({**settings, "RandomSeed": (str(RANDOM_SEED),), "WriteResultImage": ("false",)})
    method = classes.registration.New()
    # They hold the voxels' memory, which elastix does not: their names keep them until it is done.
    fixed_copy, moving_copy = _itk_image(fixed, np.float32), _itk_image(moving, np.float32)
    method.SetFixedImage(fixed_copy)
    method.SetMovingImage(moving_copy)
    if fixed_mask is not None:
        mask_copy = _itk_image(sitk.Cast(fixed_mask != 0, sitk.sitkUInt8), np.uint8)
        method.SetFixedMask(mask_copy)
    method.SetParameterObject(parameters)
    method.SetLogToConsole(False)
    method.SetLogToFile(False)
    method.SetNumberOfThreads(THREADS)
    try:
        method.UpdateLargestPossibleRegion()
    except RuntimeError as error:
        raise JobFailed(
            "elastix could not register two of the images: they hardly overlap or hold too little structure",
            remedy="check that the images show the same head and that their headers are right",
        ) from error
    return dict(method.GetTransformParameterObject().GetParameterMap(0))


def parse_numbers(parameters: TransformParameters, name: str) -> list[float]:
    """The values of one transform parameter as numbers."""
    return [float(value) for value in parameters[name]]


@dataclass(frozen=True)
class _Classes:
    """What is used of the package itk; buffers: what makes images of arrays, by their type."""

    parameters: Any
    registration: Any
    buffers: Mapping[type, Any]


def load_elastix() -> None:
    """Import it now, for whoever has time to."""
    _classes()


@cache
def _classes() -> _Classes:
    """The classes by the modules that they lie in, or where a version of itk has others, by their public names."""
    try:
        itk = importlib.import_module("itk")
    except ImportError as error:
        raise PackageMissing("image alignment needs itk-elastix", remedy="pip install itk-elastix") from error
    try:
        return _own_modules()
    except (ImportError, AttributeError):
        return _public_names(itk)


def _own_modules() -> _Classes:
    parameters, method, buffer = (
        importlib.import_module(f"itk.{name}Python")
        for name in ("elxParameterObject", "itkElastixRegistrationMethod", "itkPyBuffer")
    )
    return _Classes(
        parameters.elastixParameterObject,
        method.itkElastixRegistrationMethodIF3IF3,
        {np.float32: buffer.itkPyBufferIF3, np.uint8: buffer.itkPyBufferIUC3},
    )


def _public_names(itk: Any) -> _Classes:
    image, mask = itk.Image[itk.F, 3], itk.Image[itk.UC, 3]
    try:
        method = itk.ElastixRegistrationMethod[image, image]
    except AttributeError as error:
        raise PackageMissing("image alignment needs itk-elastix", remedy="pip install itk-elastix") from error
    return _Classes(itk.ParameterObject, method, {np.float32: itk.PyBuffer[image], np.uint8: itk.PyBuffer[mask]})


def _itk_image(image: sitk.Image, kind: type) -> Any:
    """A copy of the image for the package itk, with voxels of this type and its header rounded."""
    copied = _classes().buffers[kind].GetImageViewFromArray(np.array(voxels(image), dtype=kind, order="C"))
    copied.SetSpacing(np.round(image.GetSpacing(), SPACING_DECIMALS).tolist())
    copied.SetOrigin(np.round(image.GetOrigin(), ORIGIN_DECIMALS).tolist())
    copied.SetDirection(np.reshape(np.round(image.GetDirection(), DIRECTION_DECIMALS), (3, 3)))
    return copied
