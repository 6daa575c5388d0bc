"""A case as training and evaluation take it, whether it comes from a case library or from a datalist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from MSSoftSegLib.exam.modality import Modality


@dataclass(frozen=True)
class LabeledCase:
    """One visit with labels, as files.

    case: unique; patient: the same for all visits of one person (folds are drawn by it).
    images: native images by modality (FLAIR at least). raters: label maps on FLAIR's grid by rater, 1 = lesion,
    2 = possible lesion. soft_label: a ready soft mask (float, 0–1) on FLAIR's grid; it is the training target where there
    are no raters (a pseudo-label). confidence: weight ω of each voxel of a pseudo-label (float, 0–1), same grid.
    preprocessed: the images are aligned, bias-corrected and brain-extracted already and share one grid.
    """

    case: str
    patient: str
    images: Mapping[Modality, Path]
    raters: Mapping[str, Path] = field(default_factory=dict)
    soft_label: Path | None = None
    confidence: Path | None = None
    preprocessed: bool = False

    @property
    def is_pseudo_labelled(self) -> bool:
        """Whether a model, not a rater, labelled this case."""
        return not self.raters and self.soft_label is not None
