"""The facts of a result that are not in its maps: read from its folder, kept with the scene."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from MSSoftSegLib.region.places import MEMBER_FROM
from MSSoftSegLib.result_files import FACTS_FILE, LESIONS_FILE


@dataclass(frozen=True)
class LesionPlaceFacts:
    """Where a lesion lies, as its run found it; "" and None = not known. Distances in mm; membership: 0–1 by place."""

    region: str = ""
    ventricle_distance_mm: float | None = None
    cortex_distance_mm: float | None = None
    membership: dict[str, float] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        """All places that it belongs to, the one to name first; none where that is not known."""
        others = [place for place, value in self.membership.items() if value >= MEMBER_FROM and place != self.region]
        return (self.region, *others) if self.region else ()


NOWHERE = LesionPlaceFacts()


@dataclass(frozen=True)
class ReviewFacts:
    """What is not in the maps. lsu: lesion structural uncertainty of the lesions at model_threshold, lesion 1 first.

    volume_interval_ml: smallest and largest volume over the members at model_threshold. places: like lsu, or none.
    """

    model_threshold: float
    min_lesion_mm3: float
    lsu: tuple[float, ...]
    volume_interval_ml: tuple[float, float]
    model: str = ""
    device: str = ""
    warnings: tuple[str, ...] = ()
    places: tuple[LesionPlaceFacts, ...] = ()

    def place_of(self, number: int) -> LesionPlaceFacts:
        """Where the lesion of this number at the model's threshold lies; nowhere for 0."""
        return self.places[number - 1] if 0 < number <= len(self.places) else NOWHERE

    def lsu_of(self, count: int) -> tuple[float | None, ...]:
        """The LSU of each of so many lesions: None after a single pass, which has nobody to disagree with."""
        low, high = self.volume_interval_ml
        if low == high and not any(self.lsu):
            return (None,) * count
        return self.lsu if len(self.lsu) == count else (1.0,) * count

    def to_json(self) -> str:
        """As text for the parameter node."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ReviewFacts:
        """Read again; ValueError where the text is damaged."""
        try:
            document = json.loads(text)
            low, high = document["volume_interval_ml"]
            return cls(
                model_threshold=float(document["model_threshold"]),
                min_lesion_mm3=float(document["min_lesion_mm3"]),
                lsu=tuple(float(value) for value in document["lsu"]),
                volume_interval_ml=(float(low), float(high)),
                model=str(document["model"]),
                device=str(document["device"]),
                warnings=tuple(str(warning) for warning in document["warnings"]),
                # Scenes of earlier versions have none.
                places=tuple(LesionPlaceFacts(**place) for place in document.get("places", ())),
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"the facts of the result cannot be read: {problem}") from None

    @classmethod
    def of_result(cls, folder: Path) -> ReviewFacts:
        """The facts in a result folder; ValueError or OSError where it is not one."""
        from MSSoftSegLib.report.lesion_table import read_lesions_csv

        try:
            result = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
            low, high = result["lesions"]["volume_interval_ml"]
            model = result["model"]
            lesions = read_lesions_csv(folder / LESIONS_FILE)
            placed = (result.get("regions") or {}).get("lesions", ())
            membership = {int(lesion["id"]): dict(lesion["membership"]) for lesion in placed}
            return cls(
                model_threshold=float(result["threshold"]),
                min_lesion_mm3=float(result["min_lesion_mm3"]),
                lsu=tuple(lesion.lsu for lesion in lesions),
                volume_interval_ml=(float(low), float(high)),
                model=f"{model['name']} {model['version']}",
                device=str(result["device"]),
                warnings=tuple(result["warnings"]),
                places=tuple(_place(lesion, membership.get(lesion.id, {})) for lesion in lesions),
            )
        except (KeyError, TypeError) as problem:
            raise ValueError(f"{FACTS_FILE} is not one of this version: {problem}") from None


def read_places(listed) -> dict[str, LesionPlaceFacts]:
    """Places as the job ``report`` says them, by the digest of the lesion's voxels; what is none is left out."""
    found = {}
    for place in listed if isinstance(listed, list) else ():
        try:
            found[str(place["voxels"])] = LesionPlaceFacts(
                str(place["region"]),
                place["ventricle_distance_mm"],
                place["cortex_distance_mm"],
                dict(place["membership"]),
            )
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _place(lesion, membership: dict[str, float]) -> LesionPlaceFacts:
    return LesionPlaceFacts(lesion.region or "", lesion.ventricle_distance_mm, lesion.cortex_distance_mm, membership)
