"""``evaluate --compare OLD NEW --library L``: two models on labelled cases, as a table and a verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from MSSoftSegLib.cli.display import say
from MSSoftSegLib.cli.job_commands import finish, run_job

SHOWN = ("dsc", "lesion_f1", "soft_dice", "ece_lesion", "ece_brain")


def compare_models(
    models: tuple[Path, Path], out: Path, spec: dict[str, Any], *, json_events: bool, debug: bool
) -> None:
    """Run the job and show what it found."""
    whole = {"first": str(models[0]), "second": str(models[1]), "out": out, **spec}
    finish(run_job("compare-models", whole, json_events=json_events, debug=debug), json_events=json_events)
    if json_events:
        return
    found = json.loads((out / "model_comparison.json").read_text(encoding="utf-8"))
    _show("held-out cases", found["measures"])
    for one in found["per_case"]:
        scores = [_score(one[which]["dsc"]) for which in ("first", "second")]
        say(f"  {one['case']}: DSC {scores[0]} → {scores[1]}")
    _show("base patients", found["base"]["measures"])
    say(f"{found['verdict']}: {found['reason']}")


def _score(value: float | None) -> str:
    """A score, or a dash where it is not defined."""
    return "–" if value is None else f"{value:.3f}"


def _show(title: str, measures: dict[str, Any]) -> None:
    if not measures["dsc"]["n"]:
        return
    table = Table(title, "old", "new", "new − old", "95 % interval", "n", box=None)
    for name in SHOWN:
        found = measures[name]
        if found["n"]:
            interval = "–" if found["low"] is None else f"{found['low']:+.3f} to {found['high']:+.3f}"
            table.add_row(
                name,
                _score(found["first"]),
                _score(found["second"]),
                f"{found['difference']:+.3f}",
                interval,
                str(found["n"]),
            )
    Console().print(table)
