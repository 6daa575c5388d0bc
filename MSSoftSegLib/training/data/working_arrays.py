"""One labelled case as arrays on the working grid: images as the network sees them, labels still soft."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam, BadLibrary
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import Grid, resample, voxels
from MSSoftSegLib.exam.image_file import read_map, read_mask
from MSSoftSegLib.exam.lattice import copy_or_resample
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import read_exam
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.preprocessing.as_given import take_brain_and_grid_as_given, take_mask_as_given
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.normalization import normalize
from MSSoftSegLib.preprocessing.pipeline import STAGES, preprocess
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask
from MSSoftSegLib.training.recipe import Recipe

LOGGER = logging.getLogger(__name__)

CERTAIN = 1


@dataclass(frozen=True)
class WorkingArrays:
    """images (c, z, y, x), label and raters and confidence (z, y, x): float32; brain: bool; spacing_mm on each axis;
    slices_mm: how far apart FLAIR's slices were as it was acquired."""

    images: np.ndarray
    brain: np.ndarray
    label: np.ndarray
    raters: Mapping[str, np.ndarray]
    confidence: np.ndarray | None
    spacing_mm: float
    slices_mm: float


@dataclass(frozen=True)
class _Placed:
    """Images (not normalised) and brain on one grid, and the way from it to FLAIR's native space."""

    images: Mapping[Modality, sitk.Image]
    brain: sitk.Image
    flair_from_working: sitk.Transform | None


def make_working_arrays(
    case: LabeledCase,
    recipe: Recipe,
    *,
    cache: StepCache | None,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> WorkingArrays:
    """Read, preprocess, soften on FLAIR's native grid, then bring the soft label to the working grid linearly."""
    _check_inputs(case, recipe)
    exam = read_exam({wanted: case.images[wanted] for wanted in _needed(case, recipe)})
    flair = exam.image(Modality.FLAIR)
    masks = {name: read_mask(case.raters[name], like=flair) for name in sorted(case.raters)}
    label = _native_label(case, masks, flair, recipe)
    if case.preprocessed:
        progress(0.5)
        placed = _placed_as_given(exam, recipe.data.spacing_mm)
    else:
        placed = _placed_by_preprocessing(exam, recipe.data.spacing_mm, cache, progress, cancelled)
    grid = Grid.of(placed.brain)

    def on_grid(image: sitk.Image) -> np.ndarray:
        way = placed.flair_from_working
        moved = copy_or_resample(image, grid) if way is None else resample(image, grid, source_from_grid=way)
        return np.clip(voxels(moved), 0, 1).astype(np.float32)

    confidence = read_map(case.confidence, like=flair) if case.confidence and case.is_pseudo_labelled else None
    return WorkingArrays(
        images=_channels(placed, recipe),
        brain=voxels(placed.brain) != 0,
        label=on_grid(label),
        raters={name: on_grid(sitk.Equal(mask, CERTAIN)) for name, mask in masks.items()},
        confidence=None if confidence is None else on_grid(confidence),
        spacing_mm=recipe.data.spacing_mm,
        slices_mm=max(Grid.of(flair).spacing_mm),
    )


def _needed(case: LabeledCase, recipe: Recipe) -> list[Modality]:
    """FLAIR, on which labels are drawn; T1, to which preprocessing aligns; and what the recipe asks for."""
    wanted = {Modality.FLAIR, *(channel.modality for channel in recipe.data.inputs)}
    if not case.preprocessed:
        wanted.add(Modality.T1)
    return [modality for modality in case.images if modality in wanted]


def _check_inputs(case: LabeledCase, recipe: Recipe) -> None:
    for channel in recipe.data.inputs:
        if channel.required and channel.modality not in case.images:
            raise BadExam(
                f"the recipe {recipe.name} needs a {channel.modality.upper()} image",
                remedy="add the image, leave the case out, or choose another recipe",
            )
    if not case.raters and case.soft_label is None:
        raise BadLibrary("it has neither a rater's mask nor a soft label", remedy="leave the case out, or label it")


def _native_label(case: LabeledCase, masks: Mapping[str, sitk.Image], flair: sitk.Image, recipe: Recipe) -> sitk.Image:
    """The soft label on FLAIR's native grid, where the raters drew."""
    if not masks:
        assert case.soft_label is not None  # _check_inputs
        return read_map(case.soft_label, like=flair)
    count = 1 if recipe.data.raters == "first" else len(masks)
    chosen = list(masks.values())[:count]
    names = [case.raters[name].name for name in masks][:count]
    soft = make_soft_mask(chosen, flair, recipe.labels, names=names, flair_name=case.images[Modality.FLAIR].name)
    for warning in soft.warnings:
        LOGGER.warning("case %s: %s", case.case, warning)
    return soft.image


def _placed_by_preprocessing(
    exam: Exam,
    spacing_mm: float,
    cache: StepCache | None,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> _Placed:
    working = preprocess(
        exam,
        PreprocessingSettings(brain="auto", working_spacing_mm=spacing_mm),
        cache=cache,
        progress=lambda stage, fraction: progress((STAGES.index(stage) + fraction) / len(STAGES)),
        cancelled=cancelled,
    )
    return _Placed(working.images, working.brain_mask, working.native_from_working[Modality.FLAIR])


def _placed_as_given(exam: Exam, spacing_mm: float) -> _Placed:
    """Images that are aligned and brain-extracted already: cropped to the brain, voxel by voxel where the grid allows."""
    native, grid = take_brain_and_grid_as_given(exam, working_spacing_mm=spacing_mm)
    images = {modality: copy_or_resample(image.image, grid) for modality, image in exam.images.items()}
    return _Placed(images, take_mask_as_given(native, grid), None)


def _channels(placed: _Placed, recipe: Recipe) -> np.ndarray:
    """The network's channels as network_input makes them for inference: normalised, zeros for an absent modality."""
    channels = []
    for wanted in recipe.data.inputs:
        image = placed.images.get(wanted.modality)
        if image is None:
            channels.append(np.zeros(placed.brain.GetSize()[::-1], np.float32))
        else:
            channels.append(voxels(normalize(image, placed.brain, recipe.data.normalization)))
    return np.stack(channels)
