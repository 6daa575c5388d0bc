"""One labelled case as arrays on the working grid: images as the network sees them, labels still soft."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadExam, BadLibrary, GridMismatch
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import Grid, canonical, isotropic_grid_around, resample, same_grid, voxels
from MSSoftSegLib.exam.image_file import read_map, read_mask
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import read_exam
from MSSoftSegLib.library.labelled_case import LabelledCase
from MSSoftSegLib.preprocessing.brain_extraction.given import nonzero_brain
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.normalization import normalize
from MSSoftSegLib.preprocessing.pipeline import MARGIN_MM, SIZE_MULTIPLE, STAGES, mask_on_grid, preprocess
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask
from MSSoftSegLib.training.recipe import Recipe

LOGGER = logging.getLogger(__name__)

CERTAIN = 1
# Two lattices are one when their voxel centers differ by less than this.
SAME_LATTICE_VOXELS = 1e-3


@dataclass(frozen=True)
class WorkingArrays:
    """images (c, z, y, x), label and raters and confidence (z, y, x): float32; brain: bool; spacing_mm on each axis."""

    images: np.ndarray
    brain: np.ndarray
    label: np.ndarray
    raters: Mapping[str, np.ndarray]
    confidence: np.ndarray | None
    spacing_mm: float


@dataclass(frozen=True)
class _Placed:
    """Images (not normalised) and brain on one grid, and the way from it to FLAIR's native space."""

    images: Mapping[Modality, sitk.Image]
    brain: sitk.Image
    flair_from_working: sitk.Transform | None


def working_arrays(
    case: LabelledCase,
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
        moved = _copied_or_resampled(image, grid, placed.flair_from_working)
        return np.clip(voxels(moved), 0, 1).astype(np.float32)

    confidence = read_map(case.confidence, like=flair) if case.confidence and case.is_pseudo_labelled else None
    return WorkingArrays(
        images=_channels(placed, recipe),
        brain=voxels(placed.brain) != 0,
        label=on_grid(label),
        raters={name: on_grid(sitk.Equal(mask, CERTAIN)) for name, mask in masks.items()},
        confidence=None if confidence is None else on_grid(confidence),
        spacing_mm=recipe.data.spacing_mm,
    )


def _needed(case: LabelledCase, recipe: Recipe) -> list[Modality]:
    """FLAIR, on which labels are drawn; T1, to which preprocessing aligns; and what the recipe asks for."""
    wanted = {Modality.FLAIR, *(channel.modality for channel in recipe.data.inputs)}
    if not case.preprocessed:
        wanted.add(Modality.T1)
    return [modality for modality in case.images if modality in wanted]


def _check_inputs(case: LabelledCase, recipe: Recipe) -> None:
    for channel in recipe.data.inputs:
        if channel.required and channel.modality not in case.images:
            raise BadExam(
                f"the recipe {recipe.name} needs a {channel.modality.upper()} image",
                remedy="add the image, leave the case out, or choose another recipe",
            )
    if not case.raters and case.soft_label is None:
        raise BadLibrary("it has neither a rater's mask nor a soft label", remedy="leave the case out, or label it")


def _native_label(case: LabelledCase, masks: Mapping[str, sitk.Image], flair: sitk.Image, recipe: Recipe) -> sitk.Image:
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
    flair = exam.images[Modality.FLAIR]
    for other in exam.images.values():
        if not same_grid(other.image, flair.image):
            raise GridMismatch(
                f"{other.file_name} and {flair.file_name} are given as preprocessed but lie on different grids",
                remedy="resample them onto one grid, or give the case as not preprocessed",
            )
    # Slices are axial, whichever way the file stores its voxels.
    native = canonical(nonzero_brain(flair.image, name=flair.file_name))
    grid = isotropic_grid_around(native, spacing_mm=spacing_mm, margin_mm=MARGIN_MM, multiple=SIZE_MULTIPLE)
    same_lattice = _lattice_offset(Grid.of(native), grid) is not None
    brain = _copied_or_resampled(native, grid, None) if same_lattice else mask_on_grid(native, grid)
    images = {modality: _copied_or_resampled(image.image, grid, None) for modality, image in exam.images.items()}
    return _Placed(images, sitk.Cast(brain, sitk.sitkUInt8), None)


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


def _copied_or_resampled(image: sitk.Image, grid: Grid, image_from_grid: sitk.Transform | None) -> sitk.Image:
    """The image on another grid, 0 outside: copied voxel by voxel where the lattices coincide, else linear; float32."""
    if image_from_grid is not None:
        return resample(image, grid, source_from_grid=image_from_grid)
    image = canonical(image)
    offset = _lattice_offset(Grid.of(image), grid)
    if offset is None:
        return resample(image, grid)
    source = voxels(image)
    target = np.zeros(grid.size[::-1], np.float32)
    low = np.maximum(offset, 0)
    high = np.minimum(offset + target.shape, source.shape)
    inside = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    moved = tuple(slice(a, b) for a, b in zip(low - offset, high - offset, strict=True))
    target[moved] = source[inside]
    return grid.image(target)


def _lattice_offset(source: Grid, target: Grid) -> np.ndarray | None:
    """Index (z, y, x) in source of the target's first voxel, where every voxel of one is a voxel of the other; else None."""
    voxel_from_voxel = np.linalg.inv(source.lps_from_voxel()) @ target.lps_from_voxel()
    offset = np.rint(voxel_from_voxel[:3, 3])
    ideal = np.eye(4)
    ideal[:3, 3] = offset
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in target.size], indexing="ij"), dtype=float).reshape(3, -1)
    apart = (voxel_from_voxel - ideal)[:3] @ np.vstack([corners, np.ones(corners.shape[1])])
    return offset[::-1].astype(int) if np.abs(apart).max() < SAME_LATTICE_VOXELS else None
