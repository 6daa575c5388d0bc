"""Train the model that ships from the public data, judge it, write its bundle.

    python -m MSSoftSegLib.training.shipped --data DATA/open_ms --run RUN --card CARD.md --out Resources/Models/starter

Hours on two processor cores. A run that was killed goes on with the same command.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.result_folder import complete_or_absent
from MSSoftSegLib.training.calibration import choose_operating_point
from MSSoftSegLib.training.engine.operating_point import load_trained
from MSSoftSegLib.training.shipped.bundle import validation_cases, write_bundle
from MSSoftSegLib.training.shipped.judging import judge
from MSSoftSegLib.training.shipped.plan import FULL, SMOKE, Plan
from MSSoftSegLib.training.shipped.stages import ShippedRun

LOGGER = logging.getLogger(__name__)
MISSING = ((), ("t2",), ("t1",), ("t1", "t2"))


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m MSSoftSegLib.training.shipped", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the open_ms folder (lesion_masks, tissues, mni)")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--card", type=Path, required=True, help="the card to put beside the weights")
    parser.add_argument("--course", action="append", default=[], help="a sentence on how the run went; may be repeated")
    parser.add_argument("--init", type=Path, help="weights (safetensors) to start from")
    parser.add_argument("--smoke", action="store_true", help="a few tiny steps: proves that it runs")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    plan = SMOKE if given.smoke else FULL
    run = ShippedRun(plan, given.data, given.run, initial_weights=given.init)
    run.train()
    _judge(run, plan)
    network = load_trained(run.task(plan.stages[-1]))
    point = choose_operating_point(validation_cases(plan, network, given.data))
    with complete_or_absent(given.out, overwrite=True) as folder:
        write_bundle(
            folder,
            network,
            plan,
            point,
            trained=[stage.name for stage in plan.stages],
            course=given.course,
            card=given.card.read_text(encoding="utf-8"),
        )


def _judge(run: ShippedRun, plan: Plan) -> None:
    """What the held-out exam says of the stages that never saw it; printed and kept beside the run."""
    judged = next(stage for stage in plan.stages if stage.name == plan.judged)
    network = load_trained(run.task(judged))
    point = choose_operating_point(validation_cases(plan, network, run.data))
    LOGGER.info("operating point on %s synthetic patients: %s", plan.validation_patients, point)
    found = {}
    for missing in MISSING:
        judgement = judge(network, plan, point, run.data, run.folder / "judged", missing=missing)
        found["without " + " and ".join(missing) if missing else "all images"] = asdict(judgement)
        LOGGER.info("%s, without %s: %s", plan.held_out, missing or "nothing", judgement)
    (run.folder / "judgement.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except MSSoftSegError as problem:
        sys.exit(f"error: {problem}")
