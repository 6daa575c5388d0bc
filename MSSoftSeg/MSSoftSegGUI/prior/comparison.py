"""A comparison folder as the panel reads it: the facts of its last pair of visits, without the schema that needs pydantic."""

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
class ReadComparison:
    """digest: of change.json. pair: the name of the pair of visits, and its folder. findings: what differs besides disease."""

    folder: Path
    digest: str
    pair: str
    images: Path
    findings: tuple[str, ...]
    rows: tuple[ChangeRow, ...]
    volumes_ml: tuple[float, float]


def is_comparison(folder: Path) -> bool:
    """Whether a folder holds a finished comparison, rather than a visit."""
    return (folder / CHANGE_FILE).is_file()


def read_comparison(folder: Path) -> ReadComparison:
    """Read the latest two visits; ValueError where the file is damaged or of another version, OSError where it is gone."""
    text = (folder / CHANGE_FILE).read_bytes()
    try:
        document: dict[str, Any] = json.loads(text)
        pair = document["pairs"][-1]
        volumes = tuple(float(visit["volume_ml"]) for visit in document["visits"][-2:])
        return ReadComparison(
            folder=folder,
            digest=hashlib.sha256(text).hexdigest(),
            pair=str(pair["name"]),
            images=folder / str(pair["folder"]),
            findings=tuple(str(finding["text"]) for finding in pair["findings"]),
            rows=tuple(_row(group) for group in pair["groups"]),
            volumes_ml=(volumes[0], volumes[1]),
        )
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError(_("{file} is not one of this version").format(file=CHANGE_FILE)) from None


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
