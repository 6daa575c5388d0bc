"""``change.json``: everything a panel shows about a comparison of visits, under one schema (version 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from MSSoftSegLib.change.calibration import SHIPPED
from MSSoftSegLib.change.classes import ChangeClass
from MSSoftSegLib.change.comparison import Comparison, LesionChange
from MSSoftSegLib.change.differences import VisitFinding, brain_overlap, findings
from MSSoftSegLib.change.history import LesionHistory
from MSSoftSegLib.change.readers_mask import ras_from_voxel
from MSSoftSegLib.change.table import likeliest_first, percent
from MSSoftSegLib.change.visit import MaskSource, Visit
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.label_digest import compute_label_digest
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.frozen_model import FrozenModel

SCHEMA_VERSION = 1


class FindingFacts(FrozenModel):
    """Something that differs between the visits besides disease."""

    kind: str
    text: str


class ImageFacts(FrozenModel):
    """One image of a visit: no name, for files can name patients."""

    modality: str
    spacing_mm: tuple[float, float, float]
    sha256: str | None


class VisitFacts(FrozenModel):
    """One visit. folder: its segmentation inside this result, null where a finished result was given.

    mask: whose lesions were compared, those of the model or of a reader who corrected them; rater: that reader, where known;
    other_raters: whose masks of the same case were not taken. label_digest: of the lesions that were compared, by which a panel
    sees whether they are still the same (``exam/label_digest.py``).
    """

    name: str
    folder: str | None
    images: tuple[ImageFacts, ...]
    model: str
    model_version: str
    threshold: float
    lesions: int
    volume_ml: float
    soft_volume_ml: float
    warnings: tuple[str, ...]
    mask: MaskSource = MaskSource.MODEL
    rater: str | None = None
    other_raters: tuple[str, ...] = ()
    mask_sha256: str | None = None
    label_digest: str | None = None


class GroupFacts(FrozenModel):
    """One lesion or group of lesions, as in change.csv. lesion numbers are those of each visit's lesions.csv."""

    id: int
    change: ChangeClass
    p_change: float | None
    reason: str
    region: str | None
    ventricle_distance_mm: float | None = None
    cortex_distance_mm: float | None = None
    before_lesions: tuple[int, ...]
    after_lesions: tuple[int, ...]
    before_volume_mm3: float
    before_interval_mm3: tuple[float, float]
    after_volume_mm3: float
    after_interval_mm3: tuple[float, float]
    volume_change_percent: float | None
    image_difference_sd: float
    compared_fraction: float
    center_ras_mm: tuple[float, float, float]

    @classmethod
    def of(cls, row: LesionChange) -> GroupFacts:
        """The facts of one group."""
        return cls(
            id=row.group.id,
            change=row.change,
            p_change=row.decision.probability,
            reason=row.decision.reason,
            region=None if row.region is None else row.region.name,
            ventricle_distance_mm=None if row.region is None else row.region.ventricle_distance_mm,
            cortex_distance_mm=None if row.region is None else row.region.cortex_distance_mm,
            before_lesions=row.group.before,
            after_lesions=row.group.after,
            before_volume_mm3=row.before_mm3,
            before_interval_mm3=row.before_interval_mm3,
            after_volume_mm3=row.after_mm3,
            after_interval_mm3=row.after_interval_mm3,
            volume_change_percent=percent(row),
            image_difference_sd=row.evidence.sign * row.evidence.focus_z,
            compared_fraction=row.evidence.compared,
            center_ras_mm=row.center_ras_mm,
        )


class RegistrationFacts(FrozenModel):
    """How the visits lay to each other, and how well they match in the space between."""

    moved_mm: float
    turned_deg: float
    disagreement_mm: float
    image_agreement: float
    brain_overlap: float
    normal_tissue_difference: float


class PairFacts(FrozenModel):
    """Two neighboring visits. counts: groups by class; groups: likeliest change first; folder: its images."""

    name: str
    before: str
    after: str
    folder: str
    findings: tuple[FindingFacts, ...]
    registration: RegistrationFacts
    counts: dict[ChangeClass, int]
    groups: tuple[GroupFacts, ...]


class HistoryFacts(FrozenModel):
    """One lesion through all visits; numbers, volumes (mm³), words and where it is faint as in history.py."""

    id: int
    lesions: tuple[tuple[int, ...], ...]
    volumes_mm3: tuple[float, ...]
    groups: tuple[tuple[int, ...], ...]
    words: tuple[tuple[str, ...], ...]
    faint: tuple[bool, ...] = ()


class ComparisonSettings(FrozenModel):
    """How classes were decided. enlarging_percent: null for the statistical default."""

    enlarging_percent: float | None
    changed_from: float
    stable_up_to: float
    repeat_sd_of_100_mm3: float
    repeat_power: float


class ChangeDocument(FrozenModel):
    """All of ``change.json``. Volumes in mm³ or ml as named, RAS mm, probabilities 0–1."""

    schema_version: int = SCHEMA_VERSION
    kind: str = "change"
    research_use_only: bool = True
    software_version: str
    settings: ComparisonSettings
    visits: tuple[VisitFacts, ...]
    pairs: tuple[PairFacts, ...]
    histories: tuple[HistoryFacts, ...]


def pair_facts(
    name: str, folder: str, comparison: Comparison, found: Sequence[VisitFinding] | None = None
) -> PairFacts:
    """The facts of one pair of visits."""
    midpoint = comparison.midpoint
    differing = findings(comparison) if found is None else found
    counts = {change: sum(row.change is change for row in comparison.changes) for change in ChangeClass}
    return PairFacts(
        name=name,
        before=comparison.before.name,
        after=comparison.after.name,
        folder=folder,
        findings=tuple(FindingFacts(kind=each.difference.value, text=each.text) for each in differing),
        registration=RegistrationFacts(
            moved_mm=midpoint.half_way.moved_mm,
            turned_deg=midpoint.half_way.turned_deg,
            disagreement_mm=midpoint.half_way.disagreement_mm,
            image_agreement=midpoint.matched.correlation,
            brain_overlap=brain_overlap(comparison),
            normal_tissue_difference=midpoint.matched.noise,
        ),
        counts=counts,
        groups=tuple(GroupFacts.of(row) for row in likeliest_first(comparison.changes)),
    )


def visit_facts(visit: Visit, folder: str | None) -> VisitFacts:
    """The facts of one visit."""
    return VisitFacts(
        name=visit.name,
        folder=folder,
        images=tuple(
            ImageFacts(modality=modality.value, spacing_mm=image.spacing_mm, sha256=image.sha256)
            for modality, image in visit.native_images.items()
        ),
        model=visit.model[0],
        model_version=visit.model[1],
        threshold=visit.threshold,
        lesions=visit.lesion_count,
        volume_ml=visit.volume_ml,
        soft_volume_ml=visit.soft_volume_ml,
        warnings=visit.warnings,
        mask=visit.mask_source,
        rater=visit.rater or None,
        other_raters=visit.other_raters,
        mask_sha256=visit.mask_sha256,
        label_digest=visit.label_digest or _model_digest(visit),
    )


def _model_digest(visit: Visit) -> str:
    inside = voxels(visit.native_instances) > 0
    return compute_label_digest(np.where(inside, LESION, 0), ras_from_voxel(visit.native_instances))


def history_facts(history: LesionHistory) -> HistoryFacts:
    """The facts of one lesion's history."""
    return HistoryFacts.model_validate(vars(history))


def setting_facts(percent_threshold: float | None) -> ComparisonSettings:
    """How classes were decided."""
    return ComparisonSettings(
        enlarging_percent=percent_threshold,
        changed_from=SHIPPED.changed_from,
        stable_up_to=SHIPPED.stable_up_to,
        repeat_sd_of_100_mm3=SHIPPED.repeat_sd,
        repeat_power=SHIPPED.repeat_power,
    )
