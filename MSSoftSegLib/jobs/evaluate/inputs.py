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
from MSSoftSegLib.exam.label_doubts import describe_counts, value_counts
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
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
    doubts: tuple[str, ...] = ()


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
    doubts: list[str] = []
    truth = _read_truth(files.truth[0], possible, doubts, like=None)
    others = [_read_truth(path, possible, doubts, like=truth) for path in files.truth[1:]]
    probability = voxels(read_map(files.probability, truth)) if files.probability is not None else None
    if files.prediction is not None:
        # By the rule of the truth: a mask against itself is right everywhere, whatever counts as lesion.
        mask = read_mask(files.prediction, truth)
        prediction = voxels(_lesion(mask, files.prediction.name, possible, doubts)).astype(np.uint8)
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
        doubts=tuple(doubts),
    )


def _read_truth(path: Path, possible: str, doubts: list[str], *, like: sitk.Image | None) -> sitk.Image:
    """A label map as uint8 0/1, or a soft mask as float32."""
    try:
        labels = read_mask(path, like)
    except BadImage:
        # Not whole numbers: a soft mask. A file that is neither fails here too, with its reason.
        return read_map(path, read_image(path) if like is None else like)
    return _lesion(labels, path.name, possible, doubts)


def _lesion(labels: sitk.Image, name: str, possible: str, doubts: list[str]) -> sitk.Image:
    """What of a label map counts as lesion, uint8 0/1; what may be meant otherwise is added to doubts, by value and count.

    BadImage where label 2 is to be background and the values are something else than 0, 1 and 2: numbered lesions, regions.
    """
    counts = value_counts(voxels(labels))
    others = {value: count for value, count in counts.items() if value not in (LESION, POSSIBLE_LESION)}
    if possible == "lesion":
        if others or counts.get(POSSIBLE_LESION):
            doubts.append(f"{name} holds the values {describe_counts(counts)}: all of them count as lesion")
        return labels != 0
    if others:
        raise BadImage(
            f"{name} holds the values {describe_counts(counts)}, so that its label 2 may be no possible lesion",
            remedy="give masks of 0, 1 = lesion and 2 = possible lesion, or let label 2 count as lesion",
        )
    if counts.get(POSSIBLE_LESION):
        doubts.append(f"{name} holds the values {describe_counts(counts)}: {POSSIBLE_LESION} counts as background")
    return labels == LESION
