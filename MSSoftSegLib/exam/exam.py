"""One visit's images, each with the facts that a result must be able to cite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality


@dataclass(frozen=True)
class ExamImage:
    """One modality's image on its own native grid, as float32, with its provenance.

    file_name is the base name only (paths can name patients); sha256 is of the file, or None for an image made in memory.
    """

    modality: Modality
    image: sitk.Image
    file_name: str
    sha256: str | None


@dataclass(frozen=True)
class Exam:
    """The images of one visit. FLAIR is always there; T1, T2 and PD may be absent."""

    images: Mapping[Modality, ExamImage]

    def __post_init__(self) -> None:
        if Modality.FLAIR not in self.images:
            raise ValueError("an exam needs a FLAIR image")

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities present, in channel order."""
        return tuple(modality for modality in Modality if modality in self.images)

    def image(self, modality: Modality) -> sitk.Image:
        """The native image of a modality that is present."""
        return self.images[modality].image
