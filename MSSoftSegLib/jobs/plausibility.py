"""Warnings in words: what a careful reader of the result should know before she trusts it."""

from __future__ import annotations

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.modality import MODALITIES
from MSSoftSegLib.lesion.segmentation import MM3_PER_ML, Segmentation
from MSSoftSegLib.preprocessing.working_exam import WorkingExam

# An adult brain with its fluid; outside this range the extraction has probably failed.
SMALLEST_BRAIN_ML, LARGEST_BRAIN_ML = 800.0, 2000.0
LARGEST_LESION_SHARE = 0.12


def warnings_about(exam: WorkingExam, segmentation: Segmentation) -> tuple[str, ...]:
    """Everything about this exam and its result that deserves a warning; empty when nothing does."""
    found = []
    for modality in MODALITIES:
        if modality not in exam.images:
            found.append(f"No {modality.value.upper()} image was given: the model works without it, but less reliably.")
    brain_ml = float((voxels(exam.brain_mask) > 0).sum() * exam.grid.voxel_volume_mm3 / MM3_PER_ML)
    if not SMALLEST_BRAIN_ML <= brain_ml <= LARGEST_BRAIN_ML:
        found.append(f"The brain mask holds {brain_ml:.0f} ml, which no adult brain does: check the brain extraction.")
    for modality, information in exam.mutual_information.items():
        if information.after < information.before:
            found.append(f"Alignment did not improve the match of {modality.value.upper()}: check the overlay.")
    if segmentation.volume_ml > LARGEST_LESION_SHARE * brain_ml:
        found.append(f"{segmentation.volume_ml:.0f} ml of lesion is implausibly much for this brain: check the images.")
    return tuple(found)
