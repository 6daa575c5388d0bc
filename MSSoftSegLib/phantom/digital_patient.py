"""The digital patient: three scans of a head that was never anybody's, and the truth about its lesions.

Deterministic: a seed and settings give the same patient bit by bit. Anatomy, lesions, scanner and raters each draw from
their own stream, so that changing how she is scanned leaves her as she is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.exam import Exam, ExamImage
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.phantom.acquisition import Acquisition, acquire, native_grid, sample_patient
from MSSoftSegLib.phantom.anatomy import draw_anatomy
from MSSoftSegLib.phantom.appearance import Body, draw_contrast, tissue_map
from MSSoftSegLib.phantom.contrasts import TissueIntensities, draw_intensities, typical_intensities
from MSSoftSegLib.phantom.frame import Frame
from MSSoftSegLib.phantom.hard_negatives import draw_hard_negatives
from MSSoftSegLib.phantom.head import draw_head
from MSSoftSegLib.phantom.lesions import LesionSettings, PlacedLesion, draw_lesions
from MSSoftSegLib.phantom.misalignment import compose, draw_move, invert
from MSSoftSegLib.phantom.raters import draw_raters

CLINICAL = (
    Acquisition(Modality.FLAIR, (0.9, 0.9, 3.0), "LPS", tilt_deg=8.0, bias=0.20, noise=0.035, white_level=300),
    Acquisition(Modality.T1, (1.0, 1.0, 1.0), "PIR", bias=0.25, noise=0.03, white_level=600),
    Acquisition(Modality.T2, (0.7, 0.7, 3.0), "LAS", tilt_deg=5.0, bias=0.15, noise=0.045, white_level=220),
)
ISOTROPIC = (
    Acquisition(Modality.FLAIR, (1.0, 1.0, 1.0), "PIR", bias=0.20, noise=0.04, white_level=300),
    Acquisition(Modality.T1, (1.0, 1.0, 1.0), "PIR", bias=0.25, noise=0.03, white_level=600),
    Acquisition(Modality.T2, (1.0, 1.0, 1.0), "PIR", bias=0.15, noise=0.04, white_level=220),
)
SMALL = (
    Acquisition(Modality.FLAIR, (2.0, 2.0, 4.0), "LPS", tilt_deg=8.0, noise=0.03, white_level=300),
    Acquisition(Modality.T1, (2.0, 2.0, 2.0), "PIR", noise=0.03, white_level=600),
    Acquisition(Modality.T2, (1.8, 1.8, 4.0), "LAS", tilt_deg=5.0, noise=0.03, white_level=220),
)


@dataclass(frozen=True)
class DigitalPatientSettings:
    """How the patient is made and scanned.

    scanner_seed: None for typical contrasts, else a scanner drawn by this seed. move_deg, move_mm: how far T1 and T2 may lie
    from FLAIR.
    """

    patient_spacing_mm: float = 1.0
    lesions: LesionSettings = field(default_factory=LesionSettings)
    acquisitions: tuple[Acquisition, ...] = CLINICAL
    scanner_seed: int | None = None
    move_deg: float = 4.0
    move_mm: float = 4.0

    def __post_init__(self) -> None:
        modalities = [acquisition.modality for acquisition in self.acquisitions]
        if Modality.FLAIR not in modalities or len(set(modalities)) != len(modalities):
            raise RequestError(
                f"acquisitions of {', '.join(modalities) or 'nothing'} make no exam",
                remedy="give one acquisition of FLAIR and at most one of T1 and T2 each",
            )
        if not 0.5 <= self.patient_spacing_mm <= 3:
            raise RequestError(
                f"a patient spacing of {self.patient_spacing_mm} mm is out of range", remedy="choose 0.5 to 3 mm"
            )

    def acquisition(self, modality: Modality) -> Acquisition:
        """How a contrast is scanned; KeyError where it is not."""
        return {acquisition.modality: acquisition for acquisition in self.acquisitions}[modality]


DEMO_SETTINGS = DigitalPatientSettings()
ISOTROPIC_SETTINGS = DigitalPatientSettings(acquisitions=ISOTROPIC)
# For tests: coarse, and made in about a second.
SMALL_SETTINGS = DigitalPatientSettings(patient_spacing_mm=2.0, acquisitions=SMALL)


@dataclass(frozen=True)
class DigitalPatient:
    """An exam and the truth about it.

    On FLAIR's native grid: truth (float32, fraction of each voxel that is lesion), rater1, rater2, brain_mask (uint8).
    On the patient's grid: patient_truth, patient_negatives (float32, 0–1; what looks like lesion and is none) and
    patient_tissues (uint8, labels of phantom.tissues.Tissue). native_from_patient maps a point of the patient to the point
    of a contrast's space where it was scanned.
    """

    exam: Exam
    truth: sitk.Image
    rater1: sitk.Image
    rater2: sitk.Image
    brain_mask: sitk.Image
    patient_truth: sitk.Image
    patient_negatives: sitk.Image
    patient_tissues: sitk.Image
    native_from_patient: Mapping[Modality, sitk.Euler3DTransform]
    intensities: Mapping[Modality, TissueIntensities]
    lesions: tuple[PlacedLesion, ...]
    seed: int
    settings: DigitalPatientSettings

    def source_from_target(self, source: Modality, target: Modality) -> sitk.Euler3DTransform:
        """The known misalignment: maps a point of the target contrast's space to the source contrast's (ITK's convention)."""
        return compose(self.native_from_patient[source], invert(self.native_from_patient[target]))


def make_digital_patient(*, seed: int, settings: DigitalPatientSettings = DEMO_SETTINGS) -> DigitalPatient:
    """One patient by seed and settings."""
    body = draw_body(seed, settings)
    moves = _draw_moves(seed, settings)
    intensities = _draw_intensities(settings)
    images = {
        modality: _scan(body, settings.acquisition(modality), move, intensities[modality], seed=seed)
        for modality, move in moves.items()
    }
    patient_truth = place_on_head(body, body.lesions.fraction)
    flair = _FlairSpace(settings.acquisition(Modality.FLAIR), moves[Modality.FLAIR])
    truth = np.clip(flair.sees(patient_truth), 0, 1)
    rater1, rater2 = _draw_raters(body, flair, truth, settings, rng=_stream(seed, "raters"))
    return DigitalPatient(
        exam=Exam(images),
        truth=flair.grid.image(truth),
        rater1=flair.grid.image(rater1.astype(np.uint8)),
        rater2=flair.grid.image(rater2.astype(np.uint8)),
        brain_mask=flair.grid.image((flair.sees(place_on_head(body, body.anatomy.brain)) > 0.5).astype(np.uint8)),
        patient_truth=patient_truth,
        patient_negatives=place_on_head(body, body.negatives.strongest()),
        patient_tissues=body.head_frame.grid.image(tissue_map(body)),
        native_from_patient=moves,
        intensities=intensities,
        lesions=body.lesions.lesions,
        seed=seed,
        settings=settings,
    )


@dataclass(frozen=True)
class _FlairSpace:
    """FLAIR's native voxels, which truth and raters share."""

    acquisition: Acquisition
    move: sitk.Euler3DTransform

    @property
    def grid(self) -> Grid:
        return native_grid(self.acquisition)

    def sees(self, patient_map: sitk.Image) -> np.ndarray:
        """A map of the patient as its mean over each FLAIR voxel, (z, y, x)."""
        return sample_patient(patient_map, self.grid, self.move)


def place_on_head(body: Body, part: np.ndarray) -> sitk.Image:
    """A map of the brain's window as an image of the whole head, 0 elsewhere."""
    whole = np.zeros(body.head_frame.shape, dtype=np.float32)
    whole[body.anatomy.frame.window_in(body.head_frame)] = part
    return body.head_frame.grid.image(whole)


def _draw_raters(
    body: Body, flair: _FlairSpace, truth: np.ndarray, settings: DigitalPatientSettings, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Two masks on FLAIR's voxels; bright caps and dirty white matter may fool a rater."""
    fooling = np.maximum(body.negatives.caps, body.negatives.dirty) * _lesion_side(body.anatomy.frame, settings)
    return draw_raters(truth, flair.sees(place_on_head(body, fooling)), flair.acquisition.spacing_mm, rng=rng)


# The order is part of what a seed means: new streams go to the end.
_STREAMS = ("anatomy", "lesions", "negatives", "head", "moves", "raters", *(f"scan-{m}" for m in MODALITIES))


def _stream(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one part of the patient."""
    return np.random.default_rng([seed, _STREAMS.index(name)])


def draw_body(seed: int, settings: DigitalPatientSettings) -> Body:
    spacing = settings.patient_spacing_mm
    anatomy = draw_anatomy(spacing, rng=_stream(seed, "anatomy"))
    lesions = draw_lesions(anatomy, settings.lesions, rng=_stream(seed, "lesions"))
    negatives = draw_hard_negatives(anatomy, lesions.fraction, rng=_stream(seed, "negatives"))
    frame = Frame.head(spacing)
    labels = draw_head(anatomy.brain, anatomy.frame, frame, rng=_stream(seed, "head"))
    return Body(anatomy, lesions, negatives, frame, labels)


def _draw_moves(seed: int, settings: DigitalPatientSettings) -> dict[Modality, sitk.Euler3DTransform]:
    """Native-from-patient per contrast: the head's pose in the scanner, and what it moved before T1 and T2."""
    rng = _stream(seed, "moves")
    pose = draw_move(limit_deg=4, limit_mm=5, rng=rng)
    moves: dict[Modality, sitk.Euler3DTransform] = {}
    for modality in MODALITIES:
        moved = draw_move(limit_deg=settings.move_deg, limit_mm=settings.move_mm, rng=rng)
        if modality not in {acquisition.modality for acquisition in settings.acquisitions}:
            continue
        moves[modality] = pose if modality is Modality.FLAIR else compose(moved, pose)
    return moves


def _draw_intensities(settings: DigitalPatientSettings) -> dict[Modality, TissueIntensities]:
    if settings.scanner_seed is None:
        return {modality: typical_intensities(modality) for modality in MODALITIES}
    rng = np.random.default_rng(settings.scanner_seed)
    return {modality: draw_intensities(modality, rng=rng) for modality in MODALITIES}


def _scan(
    body: Body,
    acquisition: Acquisition,
    native_from_patient: sitk.Euler3DTransform,
    mean: TissueIntensities,
    *,
    seed: int,
) -> ExamImage:
    modality = acquisition.modality
    rng = _stream(seed, f"scan-{modality}")
    patient = body.head_frame.grid.image(draw_contrast(body, modality, mean, rng=rng))
    image = acquire(patient, acquisition, native_from_patient, rng=rng)
    return ExamImage(modality, image, f"{modality.name}.nii.gz", None)


def _lesion_side(frame: Frame, settings: DigitalPatientSettings) -> np.ndarray:
    """1 where this patient has lesions at all: raters of a one-sided patient mark that side only."""
    x, _, _ = frame.coordinates_mm()
    side = settings.lesions.side
    return np.ones_like(x) if side is None else ((x if side == "left" else -x) > 0).astype(np.float32)
