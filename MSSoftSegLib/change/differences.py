"""What differs between two visits besides disease: said first, for it decides what the rest is worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.change.comparison import Comparison
from MSSoftSegLib.change.visit import MaskSource, Visit
from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.modality import Modality

# Voxels of one protocol agree to rounding; a quarter more is another protocol.
OTHER_VOXEL = 1.25
# Two scans of one head by one protocol (patient 12 of open_ms): normal tissue differs by 0.27 of its own spread.
NOISE_OF_ONE_PROTOCOL = 0.45
# Two FLAIR brains of one person, matched, agree by 0.96 (the same patient); how well two persons do is not measured yet.
LEAST_CORRELATION = 0.6
# Head sizes of one person agree to a few per cent; brains drawn by different means do too.
LEAST_OVERLAP = 0.9
LARGEST_DISAGREEMENT_MM = 1.0
# Brain that only one visit covers, as part of what either covers, before it is worth a word.
UNCOVERED = 0.03
# Where most lesions seem to have changed alike, a scanner is likelier than a disease.
COMMON_LN_RATIO = 0.18
FEWEST_LESIONS = 8


class VisitDifference(StrEnum):
    """What is said."""

    PERSON = "another person?"
    REGISTRATION = "registration"
    MODALITY = "missing image"
    MASKS = "masks"
    VOXELS = "voxel size"
    CONTRAST = "contrast"
    COVERAGE = "coverage"
    COMMON = "all lesions alike"


@dataclass(frozen=True)
class VisitFinding:
    """One difference in whole sentences, with what to do."""

    difference: VisitDifference
    text: str


def check_comparable(before: Visit, after: Visit) -> None:
    """Refuse what cannot be compared whatever the images say (BadExam): one exam twice, or two models."""
    same = _checksums(before) & _checksums(after)
    if same or np.array_equal(_flair(before), _flair(after)):
        raise BadExam(
            f"{before.name} and {after.name} are the same images", remedy="give the images of two different visits"
        )
    if before.lesion_count and before.mask_sha256 is not None and before.mask_sha256 == after.mask_sha256:
        raise BadExam(
            f"the masks of {before.name} and {after.name} are the same file", remedy="give each visit its own mask"
        )
    if before.model != after.model or before.threshold != after.threshold:
        raise BadExam(
            f"{before.name} and {after.name} were segmented differently (model or threshold): their lesions cannot be compared",
            remedy="segment both with one model and one threshold, or give the exam folders and leave that to change",
        )


def findings(comparison: Comparison) -> tuple[VisitFinding, ...]:
    """All that differs, the weightiest first."""
    found = [
        _person(comparison),
        _registration(comparison),
        _modalities(comparison.before, comparison.after),
        _masks(comparison.before, comparison.after),
        _voxels(comparison.before, comparison.after),
        _contrast(comparison),
        _coverage(comparison),
        _common(comparison),
    ]
    return tuple(finding for finding in found if finding is not None)


def brain_overlap(comparison: Comparison) -> float:
    """Dice overlap of the two brains where both visits were scanned, 0–1."""
    both = comparison.midpoint.before.seen & comparison.midpoint.after.seen
    first, second = (side.brain[both] for side in (comparison.midpoint.before, comparison.midpoint.after))
    total = float(first.sum() + second.sum())
    return 2 * float(np.minimum(first, second).sum()) / total if total > 0 else 0.0


def _person(comparison: Comparison) -> VisitFinding | None:
    correlation, overlap = comparison.midpoint.matched.correlation, brain_overlap(comparison)
    if correlation >= LEAST_CORRELATION and overlap >= LEAST_OVERLAP:
        return None
    return VisitFinding(
        VisitDifference.PERSON,
        f"The two brains do not look like one person's (images agree by {correlation:.2f}, outlines by {overlap:.2f}): check "
        "that both exams are of this patient and that the brain outlines are right. Nothing below can be trusted until then.",
    )


def _registration(comparison: Comparison) -> VisitFinding | None:
    apart = comparison.midpoint.half_way.disagreement_mm
    if apart <= LARGEST_DISAGREEMENT_MM:
        return None
    return VisitFinding(
        VisitDifference.REGISTRATION,
        f"The two visits could not be laid on each other reliably (two ways of doing it differ by {apart:.1f} mm): look at the "
        "subtraction image before believing small changes.",
    )


def _modalities(before: Visit, after: Visit) -> VisitFinding | None:
    differing = set(before.native_images) ^ set(after.native_images)
    if not differing:
        return None
    words = [
        f"{modality.upper()} was given at {before.name if modality in before.native_images else after.name} only"
        for modality in Modality
        if modality in differing
    ]
    return VisitFinding(
        VisitDifference.MODALITY,
        f"{', '.join(words)}: the visits were segmented from different images, and small lesions may come and go by that.",
    )


def _masks(before: Visit, after: Visit) -> VisitFinding | None:
    """Lesions of a reader beside those of a model, and a reader who drew none."""
    words = [
        f"the reader’s mask of {visit.name} holds no lesion: right only for a visit without any"
        for visit in (before, after)
        if visit.mask_source is MaskSource.READER and visit.lesion_count == 0
    ]
    if before.mask_source is not after.mask_source:
        read, found = (before, after) if before.mask_source is MaskSource.READER else (after, before)
        words.insert(
            0,
            f"{read.name} is compared as its reader corrected it, {found.name} as the model found it: what only one of them "
            "takes for a lesion looks like a change",
        )
    text = "; ".join(words)
    return VisitFinding(VisitDifference.MASKS, f"{text[0].upper()}{text[1:]}.") if text else None


def _voxels(before: Visit, after: Visit) -> VisitFinding | None:
    first, second = (sorted(visit.native_images[Modality.FLAIR].spacing_mm) for visit in (before, after))
    if all(max(a, b) <= OTHER_VOXEL * min(a, b) for a, b in zip(first, second, strict=True)):
        return None
    sizes = ["×".join(f"{v:.2g}" for v in visit.native_images[Modality.FLAIR].spacing_mm) for visit in (before, after)]
    return VisitFinding(
        VisitDifference.VOXELS,
        f"The FLAIR voxels differ ({before.name}: {sizes[0]} mm, {after.name}: {sizes[1]} mm): another protocol or scanner. "
        "Lesions thinner than the thicker slices cannot be followed; volumes differ by more than by disease.",
    )


def _contrast(comparison: Comparison) -> VisitFinding | None:
    noise = comparison.midpoint.matched.noise
    if noise <= NOISE_OF_ONE_PROTOCOL:
        return None
    return VisitFinding(
        VisitDifference.CONTRAST,
        f"The FLAIR images differ everywhere in normal tissue ({noise:.2f} of its spread): another scanner, sequence or "
        "contrast. P(change) allows for it; changes of small lesions are less certain.",
    )


def _coverage(comparison: Comparison) -> VisitFinding | None:
    midpoint = comparison.midpoint
    brain = np.maximum(midpoint.before.brain, midpoint.after.brain)
    seen_once = midpoint.before.seen ^ midpoint.after.seen
    share = float(brain[seen_once].sum() / brain.sum()) if brain.sum() > 0 else 0.0
    if share <= UNCOVERED:
        return None
    return VisitFinding(
        VisitDifference.COVERAGE,
        f"{100 * share:.0f} % of the brain was scanned at one visit only: lesions there are not compared.",
    )


def _common(comparison: Comparison) -> VisitFinding | None:
    ratios = [row.evidence.log_ratio for row in comparison.changes if row.group.before and row.group.after]
    if len(ratios) < FEWEST_LESIONS or abs(np.median(ratios)) < COMMON_LN_RATIO:
        return None
    percent = 100 * (float(np.exp(np.median(ratios))) - 1)
    return VisitFinding(
        VisitDifference.COMMON,
        f"Most of {len(ratios)} matched lesions changed alike (half of them by {percent:+.0f} % or more): that speaks for the "
        "scanner or the segmentation rather than the disease.",
    )


def _checksums(visit: Visit) -> set[str]:
    return {image.sha256 for image in visit.native_images.values() if image.sha256}


def _flair(visit: Visit) -> np.ndarray:
    return np.asarray(sitk.GetArrayViewFromImage(visit.working.images[Modality.FLAIR]))
