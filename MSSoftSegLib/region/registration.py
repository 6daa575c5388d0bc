"""The atlas brought onto an exam by where tissue is: neither contrast nor lesions matter to that.

Both are maps of tissue (1) against fluid and outside (0), so that loose and tight brain masks look the same. First an affine
transform from the brains' middles, then a diffeomorphic deformation, which matters where ventricles are wide (Vercauteren et
al. 2009, NeuroImage 45:S61).
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, resample, voxels
from MSSoftSegLib.preprocessing.cache import StepCache, StepResult, remember
from MSSoftSegLib.region.atlas_regions import REGISTRATION_MM, AtlasRegions
from MSSoftSegLib.region.coarse import coarse

# Iterations and smoothing (voxels) of the deformation, for each voxel size, coarse to fine.
LEVELS = ((40, 1.5), (10, 1.5))
# Sums over threads are rounded differently when their number differs.
THREADS = 4
# Raised whenever the transform changes for the same exam: older cache entries are then never met again.
REGISTRATION_VERSION = 1


def recall_atlas_from_exam(atlas: AtlasRegions, exam_tissue: sitk.Image, cache: StepCache | None) -> sitk.Transform:
    """The transform from points of the exam's working space to the atlas (LPS mm), from the cache or found and kept there.

    exam_tissue: float32, 0–1, tissue = 1, on the working grid.
    """

    def compute() -> StepResult:
        affine = affine_transform(atlas, exam_tissue)
        return StepResult({"field": find_deformation(atlas, exam_tissue, affine)}, {"affine": affine})

    inputs = [exam_tissue, *atlas.tissue]
    found = remember(cache, "atlas-of-regions", REGISTRATION_VERSION, {"levels": LEVELS}, inputs, compute)
    return compose_transform(sitk.AffineTransform(found.transforms["affine"]), found.images["field"])


def affine_transform(atlas: AtlasRegions, exam_tissue: sitk.Image) -> sitk.AffineTransform:
    """The affine part, from exam points to atlas points."""
    return search_affine(find_affine_start(atlas, exam_tissue), atlas, exam_tissue)


def find_affine_start(atlas: AtlasRegions, exam_tissue: sitk.Image) -> sitk.AffineTransform:
    """Where the search for the affine part begins: middles onto each other, and one scale."""
    return _start(coarse(exam_tissue, REGISTRATION_MM[0]), atlas.tissue[0])


def search_affine(start: sitk.AffineTransform, atlas: AtlasRegions, exam_tissue: sitk.Image) -> sitk.AffineTransform:
    """The affine part as found from this start, which stays as it is."""
    fixed, moving = coarse(exam_tissue, REGISTRATION_MM[0]), atlas.tissue[0]
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(THREADS)
    method.SetMetricAsCorrelation()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-3, numberOfIterations=80, relaxationFactor=0.6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel((2, 1))
    method.SetSmoothingSigmasPerLevel((6.0, 2.0))
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    found = sitk.AffineTransform(start)
    method.SetInitialTransform(found, inPlace=True)
    method.Execute(fixed, moving)
    return found


def _start(fixed: sitk.Image, moving: sitk.Image) -> sitk.AffineTransform:
    """Middles onto each other, and one scale: the cube root of the volumes' ratio."""
    middle_fixed, volume_fixed = _middle(fixed)
    middle_moving, volume_moving = _middle(moving)
    start = sitk.AffineTransform(3)
    start.SetCenter(middle_fixed.tolist())
    start.SetTranslation((middle_moving - middle_fixed).tolist())
    start.Scale(float(np.cbrt(volume_moving / volume_fixed)))
    return start


def _middle(tissue: sitk.Image) -> tuple[np.ndarray, float]:
    """Center of mass (LPS mm) and volume (mm³) of tissue."""
    array = voxels(tissue).astype(np.float64)
    total = array.sum()
    index = [
        float((array.sum(axis=tuple(a for a in range(3) if a != axis)) * np.arange(array.shape[axis])).sum() / total)
        for axis in (2, 1, 0)
    ]
    return np.asarray(tissue.TransformContinuousIndexToPhysicalPoint(index)), float(
        total * np.prod(tissue.GetSpacing())
    )


def find_deformation(atlas: AtlasRegions, exam_tissue: sitk.Image, affine: sitk.AffineTransform) -> sitk.Image:
    """How far each point of the exam's space is moved before the affine transform: mm, vectors of float64, smooth."""
    field: sitk.Image | None = None
    for spacing_mm, coarse_atlas, (iterations, smoothing) in zip(REGISTRATION_MM, atlas.tissue, LEVELS, strict=True):
        fixed = coarse(exam_tissue, spacing_mm)
        moving = resample(coarse_atlas, Grid.of(fixed), source_from_grid=affine)
        demons = sitk.DiffeomorphicDemonsRegistrationFilter()
        demons.SetNumberOfThreads(THREADS)
        demons.SetNumberOfIterations(iterations)
        demons.SetStandardDeviations(smoothing)
        demons.SetSmoothDisplacementField(True)
        if field is None:
            field = demons.Execute(fixed, moving)
        else:
            field = demons.Execute(fixed, moving, sitk.Resample(field, fixed, sitk.Transform(), sitk.sitkLinear))
    return sitk.Cast(field, sitk.sitkVectorFloat64)


def compose_transform(affine: sitk.AffineTransform, field: sitk.Image) -> sitk.Transform:
    """The affine transform preceded by the deformation of the exam's space."""
    composite = sitk.CompositeTransform(3)
    composite.AddTransform(affine)
    # A composite applies its last transform first. A displacement transform empties the image that it is made of.
    composite.AddTransform(sitk.DisplacementFieldTransform(sitk.Image(field)))
    return composite
