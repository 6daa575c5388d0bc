"""Preprocessing as published: align, correct the bias field, find the brain, resample (Docs/methods.md section 5).

Every image is interpolated once, from its native grid to the working grid. Bias fields need no alignment: they are found
beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam, BadImage
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import Grid, copy_image, image_like, isotropic_grid_around, resample, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing import steps
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.head_grid import head_grid
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.preprocessing.working_exam import MutualInformation, WorkingExam

# In order, with the seconds that they take on two cores, for whoever tells how much of a job is done.
STAGE_SECONDS = {"alignment": 10.0, "bias-correction": 12.0, "brain-extraction": 20.0, "working-grid": 1.0}
STAGES = tuple(STAGE_SECONDS)
# Enough for the last convolutions; more background would only shift the statistics that networks normalize by.
MARGIN_MM = 2.0
# Networks halve the grid up to four times.
SIZE_MULTIPLE = 16
HEAD_SPACING_MM = 1.0

Progress = Callable[[str, float], None]


def preprocess(
    exam: Exam,
    settings: PreprocessingSettings,
    *,
    cache: StepCache | None = None,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> WorkingExam:
    """The exam on its working grid; deterministic.

    progress is told a stage and how much of it is done (0 at its start, 1 at its end); an exception that it raises,
    such as JobCancelled, passes through and leaves nothing behind but finished cache entries. cancelled is asked while
    another program runs (HD-BET).
    """
    target = _target(exam, settings)
    given = steps.recall_given_brain(exam, settings)
    with _correcting_bias(exam, settings, cache) as corrections:
        native_from_working, information = _aligned(exam, target, cache, progress)
        corrected = _bias_corrected(corrections, progress)
    brain = _brain(corrected, target, native_from_working, settings, given, cache, progress, cancelled)
    return _on_working_grid(
        exam, corrected, brain, target, native_from_working, information, settings.working_spacing_mm, progress
    )


def _target(exam: Exam, settings: PreprocessingSettings) -> Modality:
    """The image that the others are aligned to."""
    if settings.align_to is None:
        return Modality.T1 if Modality.T1 in exam.images else Modality.FLAIR
    target = Modality(settings.align_to)
    if target not in exam.images:
        raise BadExam(
            f"the exam has no {target.upper()} image to align the others to",
            remedy="add the image, or align to another one",
        )
    return target


def _aligned(
    exam: Exam, target: Modality, cache: StepCache | None, progress: Progress
) -> tuple[dict[Modality, sitk.Transform], dict[Modality, MutualInformation]]:
    """For each modality the way from the target's space to its own, and how well it matches the target."""
    progress("alignment", 0.0)
    native_from_working: dict[Modality, sitk.Transform] = {}
    information: dict[Modality, MutualInformation] = {}
    for number, modality in enumerate(exam.modalities, start=1):
        if modality is target:
            native_from_working[modality] = sitk.Transform(3, sitk.sitkIdentity)
        else:
            alignment = steps.recall_alignment(exam.image(modality), exam.image(target), cache)
            native_from_working[modality] = alignment.moving_from_fixed
            information[modality] = MutualInformation(
                before=alignment.mutual_information_before, after=alignment.mutual_information_after
            )
        progress("alignment", number / len(exam.modalities))
    return native_from_working, information


@contextmanager
def _correcting_bias(
    exam: Exam, settings: PreprocessingSettings, cache: StepCache | None
) -> Iterator[Mapping[Modality, Future[sitk.Image]]]:
    """Each modality's corrected image on its native grid, to come. What has not begun when this ends is left out."""
    pool = ThreadPoolExecutor(len(exam.modalities), thread_name_prefix="bias")
    try:
        yield {
            modality: pool.submit(_corrected, copy_image(exam.image(modality)), settings, cache)
            for modality in exam.modalities
        }
    finally:
        pool.shutdown(cancel_futures=True)


def _corrected(image: sitk.Image, settings: PreprocessingSettings, cache: StepCache | None) -> sitk.Image:
    # In a skull-stripped image everything that is not zero is brain; elsewhere Otsu's threshold finds the head.
    mask = image_like(image, (voxels(image) != 0).astype(np.uint8)) if settings.brain == "none" else None
    return steps.recall_bias_correction(image, mask, settings.bias_shrink, cache)


def _bias_corrected(
    corrections: Mapping[Modality, Future[sitk.Image]], progress: Progress
) -> dict[Modality, sitk.Image]:
    """Each modality's corrected image, as soon as it is there."""
    progress("bias-correction", 0.0)
    corrected = {}
    for number, (modality, correction) in enumerate(corrections.items(), start=1):
        corrected[modality] = correction.result()
        progress("bias-correction", number / len(corrections))
    return corrected


def _brain(
    corrected: Mapping[Modality, sitk.Image],
    target: Modality,
    native_from_working: Mapping[Modality, sitk.Transform],
    settings: PreprocessingSettings,
    given: sitk.Image | None,
    cache: StepCache | None,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> sitk.Image:
    """The brain mask on the grid of the whole head, in the working space."""
    progress("brain-extraction", 0.0)
    others = [(image, native_from_working[m]) for m, image in corrected.items() if m is not target]
    grid = head_grid(corrected[target], others, spacing_mm=HEAD_SPACING_MM)
    if given is not None:
        brain = resample_mask(given, grid, native_from_working[settings.reference])
    else:
        heads = {
            modality: resample(image, grid, source_from_grid=native_from_working[modality])
            for modality, image in corrected.items()
        }
        brain = steps.recall_brain(
            heads,
            settings.brain,
            target,
            cache,
            lambda fraction: progress("brain-extraction", fraction),
            cancelled,
        )
    # Lesions are read on FLAIR: brain that it does not show is of no use.
    flair = corrected[Modality.FLAIR]
    shown = field_of_view(Grid.of(flair), grid, native_from_working[Modality.FLAIR])
    brain = sitk.Cast(sitk.And(brain, shown), sitk.sitkUInt8)
    if not voxels(brain).any():
        raise BadImage("no brain was found in the exam", remedy="give a brain mask")
    progress("brain-extraction", 1.0)
    return brain


def _on_working_grid(
    exam: Exam,
    corrected: Mapping[Modality, sitk.Image],
    brain: sitk.Image,
    target: Modality,
    native_from_working: Mapping[Modality, sitk.Transform],
    information: Mapping[Modality, MutualInformation],
    spacing_mm: float,
    progress: Progress,
) -> WorkingExam:
    """Images and mask around the brain, 0 outside it."""
    progress("working-grid", 0.0)
    grid = isotropic_grid_around(brain, spacing_mm=spacing_mm, margin_mm=MARGIN_MM, multiple=SIZE_MULTIPLE)
    mask = resample_mask(brain, grid)
    images = {}
    for number, (modality, image) in enumerate(corrected.items(), start=1):
        on_grid = resample(image, grid, source_from_grid=native_from_working[modality])
        images[modality] = sitk.Mask(on_grid, mask)
        progress("working-grid", number / len(corrected))
    return WorkingExam(
        images=images,
        brain_mask=mask,
        target=target,
        native_from_working=native_from_working,
        native_grids={modality: Grid.of(exam.image(modality)) for modality in exam.modalities},
        mutual_information=information,
    )


def resample_mask(mask: sitk.Image, grid: Grid, mask_from_grid: sitk.Transform | None = None) -> sitk.Image:
    """A mask on another grid, uint8: what linear interpolation finds at least half covered."""
    share = resample(sitk.Cast(mask, sitk.sitkFloat32), grid, source_from_grid=mask_from_grid)
    return sitk.BinaryThreshold(share, 0.5, 2.0, 1, 0)


def field_of_view(image_grid: Grid, grid: Grid, image_from_grid: sitk.Transform) -> sitk.Image:
    """The voxels of a grid that an image shows, uint8."""
    everywhere = image_grid.reference() + 1
    return resample(
        everywhere,
        grid,
        source_from_grid=image_from_grid,
        interpolator=sitk.sitkNearestNeighbor,
        pixel_type=sitk.sitkUInt8,
    )
