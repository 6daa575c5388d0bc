"""Where lesions lie, as ``result.json`` and ``regions.json`` say it."""

from __future__ import annotations

from MSSoftSegLib.frozen_model import FrozenModel
from MSSoftSegLib.region.burden import BrainVolumes
from MSSoftSegLib.region.dissemination import STATEMENT, Dissemination
from MSSoftSegLib.region.exam_regions import ExamRegions
from MSSoftSegLib.region.places import MEMBER_FROM, LesionPlace
from MSSoftSegLib.region.regions import Place


class LesionRegionFacts(FrozenModel):
    """One lesion. membership: 0–1 in every place, not summing to 1; share: of its volume, summing to 1. Null: not known."""

    id: int
    region: Place
    region_probability: float
    longest_axis_mm: float
    ventricle_distance_mm: float | None
    cortex_distance_mm: float | None
    membership: dict[Place, float]
    share: dict[Place, float]

    @property
    def places(self) -> tuple[Place, ...]:
        """All that it belongs to, the one to name first."""
        others = [place for place in Place if self.membership[place] >= MEMBER_FROM and place != self.region]
        return (self.region, *others)


class DisseminationFacts(FrozenModel):
    """One definition's count of places. affected_probability: null for a place that was not entered."""

    definition: str
    source: str
    places_counted: int
    affected_probability: dict[str, float | None]
    at_least_two_places_probability: float
    note: str = "a count of places, no diagnosis; places not entered are counted as free of lesions"


class RegionFacts(FrozenModel):
    """regions: who drew them. Counts: a lesion in two places counts in both; volumes are shared out. Fractions 0–1."""

    regions: str
    count_by_place: dict[Place, int]
    volume_ml_by_place: dict[Place, float]
    volume_ml: dict[str, float]
    fractions: dict[str, float]
    statement: str = STATEMENT
    dissemination_in_space: tuple[DisseminationFacts, ...]
    lesions: tuple[LesionRegionFacts, ...]


def make_region_facts(found: ExamRegions) -> RegionFacts:
    """The facts of one exam."""
    return RegionFacts(
        regions=found.source,
        count_by_place=dict(found.burden.count),
        volume_ml_by_place={place: round(ml, 4) for place, ml in found.burden.volume_ml.items()},
        volume_ml=make_volume_facts(found.volumes),
        fractions={name: round(value, 5) for name, value in found.volumes.fractions.items()},
        dissemination_in_space=tuple(make_dissemination_facts(answer) for answer in found.dissemination),
        lesions=tuple(make_lesion_region_facts(place) for place in found.places),
    )


def make_volume_facts(volumes: BrainVolumes) -> dict[str, float]:
    """Volumes in ml by name."""
    return {
        "brain_mask": round(volumes.mask_ml, 2),
        "tissue": round(volumes.tissue_ml, 2),
        "ventricles": round(volumes.ventricles_ml, 2),
        "lesions": round(volumes.lesions_ml, 4),
    }


def make_dissemination_facts(answer: Dissemination) -> DisseminationFacts:
    """One definition's count."""
    definition = answer.definition
    return DisseminationFacts(
        definition=definition.name,
        source=definition.citation,
        places_counted=definition.place_count,
        affected_probability={
            place: None if chance is None else round(chance, 4) for place, chance in answer.affected.items()
        },
        at_least_two_places_probability=round(answer.probability, 4),
    )


def make_lesion_region_facts(place: LesionPlace) -> LesionRegionFacts:
    """One lesion's facts, rounded."""
    return LesionRegionFacts(
        id=place.id,
        region=place.place,
        region_probability=round(place.membership[place.place], 4),
        longest_axis_mm=round(place.longest_axis_mm, 2),
        ventricle_distance_mm=_rounded(place.distance_to_ventricle_mm),
        cortex_distance_mm=_rounded(place.distance_to_cortex_mm),
        membership={each: round(value, 4) for each, value in place.membership.items()},
        share={each: round(value, 4) for each, value in place.share.items()},
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
