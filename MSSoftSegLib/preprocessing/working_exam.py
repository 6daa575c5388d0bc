"""The exam as networks see it: one isotropic grid around the brain, nothing else in it, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import Grid, copy_image
from MSSoftSegLib.exam.modality import Modality


@dataclass(frozen=True)
class MutualInformation:
    """Mutual information with the target image in nats: with the headers alone, and as aligned."""

    before: float
    after: float


@dataclass(frozen=True)
class WorkingExam:
    """One visit's images on the working grid.

    images: float32, aligned to the target, bias-corrected, 0 outside the brain, intensities not normalized (that is the
    model's). brain_mask: uint8, 1 = brain. native_from_working maps a point of the working space to the modality's
    native space (LPS mm), as sitk.Resample expects to bring a native image here; the working space is the target's, so
    the target's own is the identity. mutual_information: of every modality but the target.
    """

    images: Mapping[Modality, sitk.Image]
    brain_mask: sitk.Image
    target: Modality
    native_from_working: Mapping[Modality, sitk.Transform]
    native_grids: Mapping[Modality, Grid]
    mutual_information: Mapping[Modality, MutualInformation]

    def copy_images(self) -> WorkingExam:
        """The same exam for another thread (``copy_image``)."""
        images = {modality: copy_image(image) for modality, image in self.images.items()}
        return replace(self, images=images, brain_mask=copy_image(self.brain_mask))

    @property
    def grid(self) -> Grid:
        """The working grid."""
        return Grid.of(self.brain_mask)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities present, in channel order."""
        return tuple(modality for modality in Modality if modality in self.images)

    def working_from_native(self, modality: Modality) -> sitk.Transform:
        """A native point of the modality to its point in the working space: for resampling results back."""
        return self.native_from_working[modality].GetInverse()
