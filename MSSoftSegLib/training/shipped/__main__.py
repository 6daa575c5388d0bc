"""Train the model that ships from the public data, judge it, write its bundle.

    python -m MSSoftSegLib.training.shipped --data DATA --run RUN --card CARD.md --out Resources/Models/starter [--judge]

Hours on two processor cores. A run that was killed goes on with the same command. ``--judge`` first trains a model without each
center (``judgement.json`` and ``judgement.md`` in the run's folder) and one without each of four folds of patients
(``judgement-in-folds``); the operating points come from the latter, where there are any.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.network.operating_point import AcquisitionPoint
from MSSoftSegLib.result_folder import write_completely
from MSSoftSegLib.training.engine.operating_point import load_trained
from MSSoftSegLib.training.shipped.bundle import write_bundle
from MSSoftSegLib.training.shipped.cohort import build_cohort
from MSSoftSegLib.training.shipped.judging import Judging, judge, split_by_center, split_by_patient
from MSSoftSegLib.training.shipped.plan import FULL, SMOKE
from MSSoftSegLib.training.shipped.real_exams import find_real_exams
from MSSoftSegLib.training.shipped.stages import ShippedRun


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m MSSoftSegLib.training.shipped", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with open_ms, catania and tabriz")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--card", type=Path, required=True, help="the card to put beside the weights")
    parser.add_argument("--course", action="append", default=[], help="a sentence on how the run went; may be repeated")
    parser.add_argument("--judge", action="store_true", help="judge each center by a model that has not seen it")
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare cases")
    parser.add_argument("--smoke", action="store_true", help="a few tiny steps: proves that it runs")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    plan = SMOKE if given.smoke else FULL
    recipe = plan.recipe(plan.stages[0])
    cohort = build_cohort(given.data, given.run / "cohort", plan.cohort, recipe, workers=given.workers)
    exams = find_real_exams(given.data)
    judgings = (split_by_center(exams), split_by_patient(exams))
    if given.judge:
        for judging in judgings:
            judge(judging, plan, cohort, exams, given.run)
    run = ShippedRun(plan, plan.stages, tuple(cohort), given.run)
    run.train()
    centers, folds = (_judgment(given.run, judging) for judging in judgings)
    with write_completely(given.out, overwrite=True) as folder:
        write_bundle(
            folder,
            load_trained(run.trained),
            plan,
            [AcquisitionPoint.model_validate(point) for point in folds.get("points", [])],
            course=given.course,
            card=given.card.read_text(encoding="utf-8"),
            metrics=_summaries(centers, "center unseen") | _summaries(folds, "patient unseen"),
        )


def _judgment(run: Path, judging: Judging) -> dict[str, Any]:
    """What this run or an earlier one with ``--judge`` found; empty where none did."""
    path = run / f"{judging.name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _summaries(judged: dict[str, Any], who: str) -> dict[str, Any]:
    """The means of every set of contrasts, said of whom."""
    return {f"{who}, {name}": entry["summary"] for name, entry in judged.items() if isinstance(entry, dict)}


if __name__ == "__main__":
    try:
        main()
    except MSSoftSegError as problem:
        sys.exit(f"error: {problem}")
