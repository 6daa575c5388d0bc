"""Where measurements are kept: one JSON a kind of processor for all parts, from which table and chart are drawn.

Matrix units (AMX) change what convolutions cost beside everything else: what was measured with them is no newer version of what
was measured without.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from machine import described

AMX = "amx_bf16"
FOLDER = Path(__file__).resolve().parents[1] / "results" / "speed"


@dataclass(frozen=True)
class Place:
    """The files of one kind of processor. name: of all three; other: of the other kind's page."""

    name: str
    other: str

    @property
    def json_file(self) -> Path:
        """What was measured."""
        return FOLDER / f"{self.name}.json"

    @property
    def table_file(self) -> Path:
        """The page that is drawn from it."""
        return FOLDER / f"{self.name}.md"

    @property
    def chart_file(self) -> Path:
        """Its picture."""
        return FOLDER / f"{self.name}.png"

    def kept(self) -> dict[str, dict]:
        """All parts that were measured."""
        return json.loads(self.json_file.read_text(encoding="utf-8")) if self.json_file.is_file() else {}


WITHOUT_AMX, WITH_AMX = Place("speed", other="speed_amx"), Place("speed_amx", other="speed")
PLACES = (WITHOUT_AMX, WITH_AMX)


def find_place() -> Place:
    """That of the processor at hand."""
    return WITH_AMX if AMX in described()["instructions"] else WITHOUT_AMX


def keep(part: str, measured: dict) -> None:
    """Put one part's measurements in the place of its older ones from this kind of processor."""
    place = find_place()
    parts = {**place.kept(), part: measured}
    place.json_file.write_text(json.dumps(parts, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")
