"""Runs the stages one after the other; a run that was killed goes on where it was."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.training.engine.launch import choose_hardware, train_one
from MSSoftSegLib.training.engine.progress_channel import DirectChannel
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.shipped.cohort import CohortCase
from MSSoftSegLib.training.shipped.plan import Plan, Stage
from MSSoftSegLib.training.shipped.shares import case_weights
from MSSoftSegLib.training.shipped.withheld import Withheld

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShippedRun:
    """A plan, those of its stages that are run, the cohort that was built for it, and the folder of the run.

    without: who is withheld, None = nobody.
    """

    plan: Plan
    stages: tuple[Stage, ...]
    cohort: tuple[CohortCase, ...]
    folder: Path
    without: Withheld | None = None
    device: str = "cpu"

    def train(self) -> None:
        """Every stage that is not done yet."""
        for stage in self.stages:
            task = self.task(stage)
            if task.is_done:
                continue
            LOGGER.info("stage %s: %s steps on %s cases", task.folder.name, stage.steps, len(task.training))
            train_one(task, DirectChannel(on_metric=_log))
            task.mark_done()

    @property
    def trained(self) -> FitTask:
        """The last stage's task, whose best weights are the model."""
        return self.task(self.stages[-1])

    def task(self, stage: Stage) -> FitTask:
        """What the engine is told of one stage."""
        number = self.stages.index(stage)
        before = self.stages[number - 1] if number else None
        cases = self.cases(stage)
        return FitTask(
            recipe=self.plan.recipe(stage),
            training=tuple(case.prepared for case in cases),
            validation=(),
            folder=self.folder / self._folder_name(stage),
            seed=self.plan.seed + 1000 * number,
            hardware=choose_hardware(self.device, devices=1, nodes=1, precision="auto"),
            resume=True,
            initial_weights=self.task(before).best_weights if before else None,
            case_weights=case_weights(cases, dict(self.plan.kind_shares), dict(self.plan.center_shares)),
        )

    def cases(self, stage: Stage) -> Sequence[CohortCase]:
        """The cohort's cases that a stage shows."""
        unseen = self.without.patients if self.without else frozenset()
        return [case for case in self.cohort if case.kind in stage.kinds and case.patient not in unseen]

    def _folder_name(self, stage: Stage) -> str:
        """A judged stage that shows nobody's images is the same for all of them."""
        if not self.without:
            return f"shipped-{stage.name}"
        shared = f"judged-{stage.name}"
        return shared if stage.kinds == ("synthetic",) else f"{shared}-without-{self.without.name}"


def _log(name: str, step: int, value: float) -> None:
    LOGGER.info("step %s: %s %.4f", step, name, value)
