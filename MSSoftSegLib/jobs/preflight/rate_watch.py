"""Measures a training while it runs, by the clock and by its own curves, so that the next one's time can be told before."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.jobs.detached.folder import read_document
from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.jobs.events import Emit, Event
from MSSoftSegLib.jobs.preflight.chosen_cases import choose_cases
from MSSoftSegLib.jobs.preflight.rates import Rates, remember, signature, step_times
from MSSoftSegLib.jobs.preflight.request_checks import name_computing_device
from MSSoftSegLib.training.engine.curves import STEPS_FILE, read_rows
from MSSoftSegLib.training.engine.operating_point import MOST_CASES
from MSSoftSegLib.training.recipe import parse_recipe
from MSSoftSegLib.training.run_folder import CONFIG_FILE, Member, name_run_folder, read_members

LOGGER = logging.getLogger(__name__)


class StageClock:
    """When each stage of a job began and ended, by the events that pass through."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._since_s = time.monotonic()
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self.has_result = False

    def emit(self, event: Event) -> None:
        """Note the time and pass on."""
        now_s = time.monotonic() - self._since_s
        if event["event"] == "progress":
            self._began.setdefault(event["stage"], now_s)
            self._ended[event["stage"]] = now_s
        self.has_result = self.has_result or event["event"] == "result"
        self._emit(event)

    def seconds(self, stage: str) -> float:
        """From a stage's first report to its last."""
        return self._ended.get(stage, 0.0) - self._began.get(stage, 0.0)

    def began_s(self, stage: str) -> float:
        """From the job's beginning to the stage's first report."""
        return self._began.get(stage, 0.0)


@contextmanager
def watch_rates(spec: TrainSpec, emit: Emit) -> Iterator[Emit]:
    """The function to emit with; where the training ends well, its rates are kept."""
    clock = StageClock(emit)
    yield clock.emit
    # One that was resumed has not done all of what it counts.
    if clock.has_result and not spec.resume:
        try:
            _keep(spec, clock)
        except (MSSoftSegError, OSError, ValueError, KeyError) as problem:
            LOGGER.debug("the rates of this training are not kept: %s", type(problem).__name__)


def _keep(spec: TrainSpec, clock: StageClock) -> None:
    run = name_run_folder(spec.out)
    members = read_members(run)
    rows = read_rows(run / members[0].name / STEPS_FILE)
    times = step_times(rows)
    if times is None:
        return
    step_s, gap_s = times
    cases, _ = choose_cases(spec)
    judged = len(members[0].held_out)
    rates = Rates(
        step_s=step_s,
        validation_case_s=gap_s / judged if judged else 0.0,
        operating_case_s=clock.seconds("operating-point") / _operating_cases(members),
        preparing_case_s=clock.seconds("preparing") / max(1, len(cases)),
        start_s=clock.began_s("preparing") + max(0.0, float(rows[0]["seconds"]) - step_s),
        other_s=clock.seconds("base-patients"),
    )
    recipe = parse_recipe((read_document(run / CONFIG_FILE) or {})["recipe"], file_name=CONFIG_FILE)
    remember(
        signature(recipe, device=name_computing_device(spec), raw=any(not case.preprocessed for case in cases)), rates
    )


def _operating_cases(members: Sequence[Member]) -> int:
    """Whole brains that were predicted to choose the operating point."""
    learned = {case for member in members for case in member.training}
    return max(1, min(MOST_CASES, len(learned)) * max(1, len(members) - 1))
