"""What turns a model's logits into lesions, and which of several such settings fits an exam. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field


class OperatingPoint(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """temperature: logits are divided by it. threshold: lowest probability of a lesion's voxels. Lesions smaller than
    min_lesion_mm3 are dropped."""

    temperature: float = Field(gt=0)
    threshold: float = Field(gt=0, lt=1)
    min_lesion_mm3: float = Field(ge=0)


class AcquisitionPoint(OperatingPoint):
    """The operating point of exams whose FLAIR has slices at least slices_mm_from apart.

    chosen_on: on how many patients, and how they were predicted, in words for the report. lesion_free_ml: in half of the brains
    without lesions as much as this is found, or more; None where nobody measured it.
    """

    slices_mm_from: float = Field(ge=0)
    chosen_on: str
    lesion_free_ml: float | None = Field(default=None, ge=0)


@dataclass(frozen=True)
class FittingPoint:
    """The operating point that is used for an exam, and why, as the report says it; lesion_free_ml as in AcquisitionPoint."""

    point: OperatingPoint
    reason: str
    lesion_free_ml: float | None = None


def find_acquisition(acquisitions: Sequence[AcquisitionPoint], flair_slices_mm: float) -> AcquisitionPoint | None:
    """Of the acquisitions that the slices reach, the one with the thickest; None where they reach none."""
    reached = [entry for entry in acquisitions if flair_slices_mm >= entry.slices_mm_from]
    return max(reached, key=lambda entry: entry.slices_mm_from, default=None)


def choose_fitting_point(
    default: OperatingPoint, acquisitions: Sequence[AcquisitionPoint], *, flair_slices_mm: float
) -> FittingPoint:
    """The point of the acquisition that the slices reach; the model's default where there is none."""
    chosen = find_acquisition(acquisitions, flair_slices_mm)
    if chosen is None:
        return FittingPoint(default, "the model has one operating point for all exams")
    kind = f"{chosen.slices_mm_from:g} mm or more" if chosen.slices_mm_from else "thin"
    reason = f"FLAIR's slices are {flair_slices_mm:.1f} mm apart: the point for slices of {kind}, {chosen.chosen_on}"
    values = chosen.model_dump(include=set(OperatingPoint.model_fields))
    return FittingPoint(OperatingPoint(**values), reason, chosen.lesion_free_ml)
