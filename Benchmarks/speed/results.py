"""Where measurements are kept: one JSON for all parts, from which table and chart are drawn."""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "results" / "speed"
JSON_FILE, TABLE_FILE, CHART_FILE = FOLDER / "speed.json", FOLDER / "speed.md", FOLDER / "speed.png"


def kept() -> dict[str, dict]:
    """All parts that were measured."""
    return json.loads(JSON_FILE.read_text(encoding="utf-8")) if JSON_FILE.is_file() else {}


def keep(part: str, measured: dict) -> None:
    """Put one part's measurements in the place of its older ones."""
    parts = {**kept(), part: measured}
    JSON_FILE.write_text(json.dumps(parts, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")
