"""A comparison folder as the panel reads it: the facts of one pair of its visits, without the schema that needs pydantic."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.result_files import CHANGE_FILE


@dataclass(frozen=True)
class ChangeRow:
    """One lesion or group of lesions. change: as change.json names it. p_change: None where nothing could be compared.

    Volumes in mm³ with their 95 % intervals; place: in the space between the visits, RAS mm.
    """

    id: int
    change: str
    p_change: float | None
    reason: str
    region: str
    before_mm3: float
    before_interval_mm3: tuple[float, float]
    after_mm3: float
    after_interval_mm3: tuple[float, float]
    image_difference_sd: float
    place_ras_mm: tuple[float, float, float]


@dataclass(frozen=True)
class PairOfVisits:
    """Two neighboring visits of a comparison. name: of the pair; before, after: how change.json calls the visits."""

    name: str
    before: str
    after: str

    @property
    def title(self) -> str:
        """As a list shows it."""
        return f"{self.before} → {self.after}"


@dataclass(frozen=True)
class ComparedVisit:
    """Whose lesions of a visit were compared. reader: who corrected them, "" for one who is not named, None for the model's.

    others: who drew on the same case and was not taken. digest: of the labels, sha256: of the reader's file; "" where an old
    version did not say. model: name and version. images: checksums, which tell the exam.
    """

    reader: str | None = None
    others: tuple[str, ...] = ()
    digest: str = ""
    sha256: str = ""
    model: str = ""
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadComparison:
    """digest: of change.json. pair: the name of the pair of visits. images: its folder; later: those of the pairs after it, which
    lead on to the last visit. pairs: name and visits of all that were compared. findings: what differs besides disease. compared:
    both visits of the pair; series: all visits, today's last.
    """

    folder: Path
    digest: str
    pair: str
    images: Path
    later: tuple[Path, ...]
    pairs: tuple[PairOfVisits, ...]
    visits: tuple[str, str]
    compared: tuple[ComparedVisit, ComparedVisit]
    series: tuple[ComparedVisit, ...]
    findings: tuple[str, ...]
    rows: tuple[ChangeRow, ...]
    volumes_ml: tuple[float, float]


def is_comparison(folder: Path) -> bool:
    """Whether a folder holds a finished comparison, rather than a visit."""
    return (folder / CHANGE_FILE).is_file()


def read_comparison(folder: Path, pair: str = "") -> ReadComparison:
    """Read two neighboring visits, by the name of their pair, the latest two where there is none of that name.

    ValueError where the file is damaged or of another version, OSError where it is gone.
    """
    text = (folder / CHANGE_FILE).read_bytes()
    try:
        document: dict[str, Any] = json.loads(text)
        compared = document["pairs"]
        at = next((n for n, each in enumerate(compared) if each["name"] == pair), len(compared) - 1)
        found, (before, after) = compared[at], document["visits"][at : at + 2]
        return ReadComparison(
            folder=folder,
            digest=hashlib.sha256(text).hexdigest(),
            pair=str(found["name"]),
            images=folder / str(found["folder"]),
            later=tuple(folder / str(each["folder"]) for each in compared[at + 1 :]),
            pairs=tuple(PairOfVisits(str(p["name"]), str(p["before"]), str(p["after"])) for p in compared),
            visits=(str(found["before"]), str(found["after"])),
            compared=(_compared(before), _compared(after)),
            series=tuple(_compared(each) for each in document["visits"]),
            findings=tuple(str(finding["text"]) for finding in found["findings"]),
            rows=tuple(_row(group) for group in found["groups"]),
            volumes_ml=(float(before["volume_ml"]), float(after["volume_ml"])),
        )
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError(_("{file} is not one of this version").format(file=CHANGE_FILE)) from None


def _compared(visit: dict[str, Any]) -> ComparedVisit:
    """Comparisons of old versions knew no readers."""
    return ComparedVisit(
        reader=str(visit.get("rater") or "") if visit.get("mask") == "reader" else None,
        others=tuple(str(rater) for rater in visit.get("other_raters") or ()),
        digest=str(visit.get("label_digest") or ""),
        sha256=str(visit.get("mask_sha256") or ""),
        model=f"{visit.get('model', '')} {visit.get('model_version', '')}".strip(),
        images=tuple(str(image.get("sha256") or "") for image in visit.get("images") or ()),
    )


def _row(group: dict[str, Any]) -> ChangeRow:
    chance = group["p_change"]
    return ChangeRow(
        id=int(group["id"]),
        change=str(group["change"]),
        p_change=None if chance is None else float(chance),
        reason=str(group["reason"]),
        region=str(group["region"] or ""),
        before_mm3=float(group["before_volume_mm3"]),
        before_interval_mm3=_numbers(group["before_interval_mm3"], 2),
        after_mm3=float(group["after_volume_mm3"]),
        after_interval_mm3=_numbers(group["after_interval_mm3"], 2),
        image_difference_sd=float(group["image_difference_sd"]),
        place_ras_mm=_numbers(group["center_ras_mm"], 3),
    )


def _numbers(values: Any, count: int) -> Any:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count:
        raise ValueError
    return numbers
