"""Lesion-wise quality: how many lesions were found, how many of those found are lesions, and how well they match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.evaluation.lesion_pairs import LesionPairs, pair_lesions
from MSSoftSegLib.lesion.instances import DEFAULT_CONNECTIVITY, EQUAL_VOLUME_TOLERANCE

# Sizes of lesions in mm³ (Docs/methods.md section 6): below 10; from 10; from 100 to 1000; above 1000.
SIZE_BINS = ("<10 mm³", "10–100 mm³", "100–1000 mm³", ">1000 mm³")


@dataclass(frozen=True)
class Detection:
    """LTPR = truth lesions touched ÷ truth lesions; LFPR = predicted lesions touching no truth ÷ predicted lesions.

    None where the denominator is zero. f1 is the harmonic mean of LTPR and 1 − LFPR; None when both masks are empty.
    """

    truth_lesions: int
    predicted_lesions: int
    ltpr: float | None
    lfpr: float | None
    f1: float | None


@dataclass(frozen=True)
class PanopticQuality:
    """SQ = mean IoU of matched lesions, RQ = TP / (TP + FP/2 + FN/2), PQ = SQ·RQ, each 0–1.

    Two lesions match where their IoU is above 0.5, which no lesion can be with two others. SQ is None without a match, all
    are without lesions on either side; PQ is 0 where lesions are there and none match. Source: Kirillov et al. 2019.
    """

    matched: int
    sq: float | None
    rq: float | None
    pq: float | None


@dataclass(frozen=True)
class SizeDetection:
    """Counts for lesions of one size: of the truth and those of them touched, predicted and those of them touching no truth."""

    size: str
    truth_lesions: int
    touched: int
    predicted_lesions: int
    false: int


def detection(
    truth: np.ndarray, prediction: np.ndarray, *, min_voxels: int = 1, connectivity: int = DEFAULT_CONNECTIVITY
) -> Detection:
    """Compare two masks (z, y, x) lesion by lesion; components below min_voxels are dropped on both sides first."""
    return detection_of(pair_lesions(truth, prediction, min_voxels=min_voxels, connectivity=connectivity))


def panoptic_quality(
    truth: np.ndarray, prediction: np.ndarray, *, min_voxels: int = 1, connectivity: int = DEFAULT_CONNECTIVITY
) -> PanopticQuality:
    """SQ, RQ and PQ of two masks (z, y, x); components below min_voxels are dropped on both sides first."""
    return panoptic_quality_of(pair_lesions(truth, prediction, min_voxels=min_voxels, connectivity=connectivity))


def detection_of(pairs: LesionPairs) -> Detection:
    """LTPR, LFPR and F1 of lesions that are paired already."""
    truth_count, found_count = pairs.truth_voxels.size, pairs.predicted_voxels.size
    ltpr = float(pairs.truth_touched.mean()) if truth_count else None
    lfpr = 1 - float(pairs.predicted_touched.mean()) if found_count else None
    f1: float | None = None
    if truth_count or found_count:
        recall, precision = ltpr or 0.0, 0.0 if lfpr is None else 1 - lfpr
        f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
    return Detection(truth_count, found_count, ltpr, lfpr, f1)


def panoptic_quality_of(pairs: LesionPairs) -> PanopticQuality:
    """SQ, RQ and PQ of lesions that are paired already."""
    truth_count, found_count = pairs.truth_voxels.size, pairs.predicted_voxels.size
    if truth_count + found_count == 0:
        return PanopticQuality(0, None, None, None)
    own, other = pairs.pairs[:, 0], pairs.pairs[:, 1]
    union = pairs.truth_voxels[own] + pairs.predicted_voxels[other] - pairs.shared_voxels
    # IoU > 1/2 in whole numbers: no rounding decides a match.
    match = 2 * pairs.shared_voxels > union
    matched = int(match.sum())
    rq = 2 * matched / (truth_count + found_count)
    if matched == 0:
        return PanopticQuality(0, None, rq, 0.0)
    sq = float((pairs.shared_voxels[match] / union[match]).mean())
    return PanopticQuality(matched, sq, rq, sq * rq)


def detection_by_size_of(pairs: LesionPairs, *, voxel_volume_mm3: float) -> tuple[SizeDetection, ...]:
    """Counts by lesion size: truth lesions by their own volume, predicted lesions by theirs."""
    truth_bin = _size_bin(pairs.truth_voxels, voxel_volume_mm3)
    found_bin = _size_bin(pairs.predicted_voxels, voxel_volume_mm3)
    return tuple(
        SizeDetection(
            size=name,
            truth_lesions=int((truth_bin == number).sum()),
            touched=int(pairs.truth_touched[truth_bin == number].sum()),
            predicted_lesions=int((found_bin == number).sum()),
            false=int((~pairs.predicted_touched[found_bin == number]).sum()),
        )
        for number, name in enumerate(SIZE_BINS)
    )


def pool_by_size(cases: Sequence[Sequence[SizeDetection]]) -> tuple[SizeDetection, ...]:
    """The counts of several cases added up, size by size."""
    return tuple(
        SizeDetection(
            size=name,
            truth_lesions=sum(case[number].truth_lesions for case in cases),
            touched=sum(case[number].touched for case in cases),
            predicted_lesions=sum(case[number].predicted_lesions for case in cases),
            false=sum(case[number].false for case in cases),
        )
        for number, name in enumerate(SIZE_BINS)
    )


def _size_bin(size_voxels: np.ndarray, voxel_volume_mm3: float) -> np.ndarray:
    """0 below 10 mm³, 1 below 100, 2 up to and with 1000, 3 above; spacing of 32 bits makes equal volumes differ a little."""
    volume_mm3 = size_voxels * voxel_volume_mm3
    less, more = 1 - EQUAL_VOLUME_TOLERANCE, 1 + EQUAL_VOLUME_TOLERANCE
    ends = np.array([10.0 * less, 100.0 * less, 1000.0 * more])
    return (volume_mm3[:, None] >= ends).sum(axis=1)
