"""elastix without its habits: no console output, no files, the same result on every run.

elastix is reached through itk-elastix, which takes about a second to import and is therefore imported on first use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import JobFailed, PackageMissing
from MSSoftSegLib.exam.geometry import voxels

RANDOM_SEED = 20190126
# Sums over threads are rounded differently when their number differs: a fixed number gives one result on every machine.
THREADS = 4

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
    itk = _itk()
    parameters = itk.ParameterObject.New()
    parameters.AddParameterMap({**settings, "RandomSeed": (str(RANDOM_SEED),), "WriteResultImage": ("false",)})
    method = itk.ElastixRegistrationMethod.New(_itk_image(fixed), _itk_image(moving))
    if fixed_mask is not None:
        method.SetFixedMask(_itk_image(sitk.Cast(fixed_mask != 0, sitk.sitkUInt8)))
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


def numbers(parameters: TransformParameters, name: str) -> list[float]:
    """The values of one transform parameter as numbers."""
    return [float(value) for value in parameters[name]]


def _itk() -> Any:
    """The package itk, with elastix in it."""
    try:
        import itk
    except ImportError as error:
        raise PackageMissing("image alignment needs itk-elastix", remedy="pip install itk-elastix") from error
    return itk


def _itk_image(image: sitk.Image) -> Any:
    """A copy of the image for the package itk; float32, masks uint8."""
    itk = _itk()
    array = voxels(image)
    if array.dtype != np.uint8:
        array = array.astype(np.float32)
    copied = itk.image_from_array(array)
    copied.SetSpacing(image.GetSpacing())
    copied.SetOrigin(image.GetOrigin())
    copied.SetDirection(itk.matrix_from_array(np.reshape(image.GetDirection(), (3, 3))))
    return copied
