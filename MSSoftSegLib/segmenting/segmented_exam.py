"""One exam's answer with all that it came from. What it needs of disk was read before, and it writes nothing."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.lesion.measurement import Lesion
from MSSoftSegLib.lesion.segmentation import Segmentation, segment_lesions
from MSSoftSegLib.lesion.uncertainty import UncertainProbability
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.exam_regions import ExamRegions


@dataclass(frozen=True)
class SegmentedExam:
    """Soft lesion mask, its uncertainty and the lesions of one exam. Research use only.

    Every image lies on the native grid of the reference image (FLAIR unless asked otherwise), so that it lines up with it in
    any viewer. segmentation: the lesions there, with all their numbers. working, working_maps: the preprocessed images and the
    same maps on the network's own grid. model: the bundle that was asked. device, tta: as used. brain: 'hd-bet', 'atlas',
    'none' or 'mask file'. warnings: what a careful reader should know, in sentences; empty when all is well. operating_point: why
    this threshold and this smallest lesion were used. regions: where the lesions lie and how large the brain is; None where that
    could not be found, and regions_problem says why.
    """

    exam: Exam
    working: WorkingExam
    working_maps: UncertainProbability
    segmentation: Segmentation
    model: Bundle
    reference: Modality
    device: str
    tta: str
    brain: str
    warnings: tuple[str, ...]
    operating_point: str
    regions: ExamRegions | None
    regions_problem: str | None

    @property
    def probability(self) -> sitk.Image:
        """Lesion probability: float32, 0–1, the mean over the test-time augmentations (Docs/methods.md section 3, eq. 2)."""
        return self.segmentation.maps.probability

    @property
    def entropy(self) -> sitk.Image:
        """Predictive entropy: float32, nats, 0–ln 2 (Docs/methods.md section 3, eq. 3)."""
        return self.segmentation.maps.entropy

    @property
    def mutual_information(self) -> sitk.Image:
        """What the augmentations disagree about: float32, nats, ≥ 0; 0 everywhere with tta 'none'."""
        return self.segmentation.maps.mutual_information

    @property
    def mask(self) -> sitk.Image:
        """Lesion mask: uint8, 1 where the probability reaches the threshold and the lesion is not too small."""
        return self.segmentation.mask

    @property
    def instances(self) -> sitk.Image:
        """One number a lesion, largest first, as in ``lesions``: uint16, 0 is background."""
        return self.segmentation.instances

    @property
    def lesions(self) -> tuple[Lesion, ...]:
        """Volume (mm³), probability, entropy (nats), structural uncertainty, place (RAS mm) and region of each lesion."""
        return self.segmentation.lesions

    @property
    def volume_ml(self) -> float:
        """Volume of the mask."""
        return self.segmentation.volume_ml

    @property
    def soft_volume_ml(self) -> float:
        """Sum of the probability over the whole grid times the volume of a voxel."""
        return self.segmentation.soft_volume_ml

    @property
    def volume_interval_ml(self) -> tuple[float, float]:
        """Smallest and largest volume over the augmentations' masks and the mask itself."""
        return self.segmentation.volume_interval_ml

    @property
    def threshold(self) -> float:
        """The probability from which on a voxel is lesion."""
        return self.segmentation.threshold

    def on_working_grid(self) -> Segmentation:
        """The lesions cut and measured once more on the network's own grid, at the same threshold."""
        cut = self.segmentation
        return segment_lesions(self.working_maps, threshold=cut.threshold, min_lesion_mm3=cut.min_lesion_mm3)
