"""Outcomes of full campaigns, kept in Benchmarks/results/campaigns.json; the short runs of ``make test`` keep nothing."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "Benchmarks" / "results" / "campaigns.json"
CAMPAIGN = os.environ.get("MSSOFTSEG_CAMPAIGN") == "1"


def record(name: str, outcome: dict[str, int]) -> None:
    """Note what happened in a full campaign."""
    if not CAMPAIGN:
        return
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    known[name] = {"date": date.today().isoformat(), **outcome}
    FILE.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
