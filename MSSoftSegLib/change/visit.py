"""One visit as comparisons see it: the images on the working grid, the lesion maps there and on the native grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.preprocessing.working_exam import WorkingExam


@dataclass(frozen=True)
class NativeImage:
    """What an image was like before anything was done to it. spacing_mm: (x, y, z) on its native grid."""

    spacing_mm: tuple[float, float, float]
    sha256: str | None


class MaskSource(StrEnum):
    """Whose lesions a visit is compared with."""

    MODEL = "model"
    READER = "reader"


@dataclass(frozen=True)
class LesionRegion:
    """Where a lesion lies, as lesions.csv has it. Distances in mm to lateral ventricle and cortex, None where unknown."""

    name: str
    ventricle_distance_mm: float | None = None
    cortex_distance_mm: float | None = None


@dataclass(frozen=True)
class Visit:
    """A segmented exam, its lesions as the model found them or as a reader corrected them (``readers_mask.py``).

    name: how tables call it ("before", "visit 2"). probability: float32 0–1 on the working grid, before any threshold.
    native_probability (float32), native_instances (uint16, the numbers of lesions.csv): on the native grid of ``reference``.
    native_images: of every modality that was given. threshold: of the lesion mask. model: name, version and checksum.
    warnings: what segmentation said about this exam. regions: by lesion number, where known. rater: who corrected it, where
    known; other_raters: who drew on it too, and was not taken. mask_sha256: of the reader's file; label_digest: of what is drawn
    in it (``exam/label_digest.py``), None for the model's lesions.
    """

    name: str
    working: WorkingExam
    probability: sitk.Image
    native_probability: sitk.Image
    native_instances: sitk.Image
    reference: Modality
    native_images: Mapping[Modality, NativeImage]
    threshold: float
    model: tuple[str, str, str]
    warnings: tuple[str, ...] = ()
    regions: Mapping[int, LesionRegion] | None = None
    mask_source: MaskSource = MaskSource.MODEL
    rater: str = ""
    other_raters: tuple[str, ...] = ()
    mask_sha256: str | None = None
    label_digest: str | None = None

    @property
    def native_from_working(self) -> sitk.Transform:
        """A point of the working space to the native space that the lesion maps lie in (LPS mm)."""
        return self.working.native_from_working[self.reference]

    def volume_of(self, numbers: Sequence[int]) -> float:
        """mm³ of these lesions on the native grid."""
        labels = sitk.GetArrayViewFromImage(self.native_instances)
        return float(np.isin(labels, list(numbers)).sum() * np.prod(self.native_instances.GetSpacing()))

    @property
    def volume_ml(self) -> float:
        """ml of all lesions on the native grid."""
        labels = sitk.GetArrayViewFromImage(self.native_instances)
        return float(np.count_nonzero(labels) * np.prod(self.native_instances.GetSpacing()) / MM3_PER_ML)

    @property
    def soft_volume_ml(self) -> float:
        """ΣP of the native grid in ml."""
        probability = sitk.GetArrayViewFromImage(self.native_probability)
        return float(probability.sum(dtype=np.float64) * np.prod(self.native_probability.GetSpacing()) / MM3_PER_ML)

    @property
    def lesion_count(self) -> int:
        """How many lesions the mask holds."""
        return int(np.count_nonzero(np.bincount(sitk.GetArrayViewFromImage(self.native_instances).ravel())[1:]))
