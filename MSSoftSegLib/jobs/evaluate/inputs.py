"""One case of an evaluation from its files to arrays on one grid. Nothing is resampled: a truth would become another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, GridMismatch, RequestError
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import read_image, read_map, read_mask
from MSSoftSegLib.exam.label_values import POSSIBLE_LESION
from MSSoftSegLib.jobs.evaluate.table import GivenCase


@dataclass(frozen=True)
class CaseArrays:
    """Arrays (z, y, x) of one shape, spacing in the same order; truths: one a rater, mask or soft (0–1)."""

    truths: tuple[np.ndarray, ...]
    prediction: np.ndarray
    probability: np.ndarray | None
    entropy: np.ndarray | None
    brain: np.ndarray | None
    spacing_mm: tuple[float, float, float]


def read_case(files: GivenCase, *, threshold: float, possible: str) -> CaseArrays:
    """Read one case; threshold: of the probability where there is no prediction. GridMismatch where a grid is another."""
    try:
        return _read(files, threshold=threshold, possible=possible)
    except GridMismatch as problem:
        truth = files.truth[0].name
        raise GridMismatch(
            f"case {files.case}: {problem.message} (the image is the truth, {truth})",
            remedy=f"give files on the grid of {truth}: an evaluation resamples nothing",
        ) from None
    except RequestError as problem:
        raise type(problem)(f"case {files.case}: {problem.message}", remedy=problem.remedy) from None


def content_sha256(array: np.ndarray) -> str:
    """Checksum of the voxel values, whatever file they were stored in."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype=np.float32).tobytes()).hexdigest()


def _read(files: GivenCase, *, threshold: float, possible: str) -> CaseArrays:
    truth = _read_truth(files.truth[0], possible, like=None)
    others = [_read_truth(path, possible, like=truth) for path in files.truth[1:]]
    probability = voxels(read_map(files.probability, truth)) if files.probability is not None else None
    if files.prediction is not None:
        prediction = voxels(read_mask(files.prediction, truth))
    elif probability is not None:
        prediction = (probability >= threshold).astype(np.uint8)
    else:
        raise RequestError("there is nothing to evaluate", remedy="give a prediction or a probability")
    brain = voxels(read_mask(files.brain, truth)) if files.brain is not None else None
    if brain is not None and files.brain is not None and not brain.any():
        raise BadImage(f"the brain mask {files.brain.name} is empty", remedy="give the mask of this brain, or none")
    x_mm, y_mm, z_mm = truth.GetSpacing()
    return CaseArrays(
        truths=tuple(voxels(image) for image in (truth, *others)),
        prediction=prediction,
        probability=probability,
        entropy=voxels(read_map(files.entropy, truth)) if files.entropy is not None else None,
        brain=brain,
        spacing_mm=(z_mm, y_mm, x_mm),
    )


def _read_truth(path: Path, possible: str, *, like: sitk.Image | None) -> sitk.Image:
    """A label map as uint8 0/1, or a soft mask as float32."""
    try:
        labels = read_mask(path, like)
    except BadImage:
        # Not whole numbers: a soft mask. A file that is neither fails here too, with its reason.
        return read_map(path, read_image(path) if like is None else like)
    lesion = labels != 0
    return lesion if possible == "lesion" else lesion & (labels != POSSIBLE_LESION)
