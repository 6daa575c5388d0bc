"""Runs the stages one after the other; a run that was killed goes on where it was."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.exam.modality import MODALITIES
from MSSoftSegLib.library.labelled_case import LabelledCase
from MSSoftSegLib.training.data.prepared import PreparedCase, prepare_cases
from MSSoftSegLib.training.engine.launch import choose_hardware, train_one
from MSSoftSegLib.training.engine.talk import DirectTalk
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.shipped.plan import Plan, Stage
from MSSoftSegLib.training.synthesis.samples import SyntheticSource

LOGGER = logging.getLogger(__name__)
DONE = "done"


@dataclass(frozen=True)
class ShippedRun:
    """A plan, the public data's folder (``lesion_masks``, ``tissues``, ``mni``), and the folder of the run.

    initial_weights: what the first stage starts from, None = random.
    """

    plan: Plan
    data: Path
    folder: Path
    initial_weights: Path | None = None
    device: str = "cpu"

    def train(self) -> None:
        """Every stage that is not done yet."""
        for stage in self.plan.stages:
            task = self.task(stage)
            if (task.folder / DONE).is_file():
                continue
            LOGGER.info("stage %s: %s epochs of %s steps", stage.name, stage.epochs, stage.steps_per_epoch)
            train_one(task, DirectTalk(on_metric=_log))
            (task.folder / DONE).touch()

    def task(self, stage: Stage) -> FitTask:
        """What the engine is told of one stage."""
        number = self.plan.stages.index(stage)
        recipe = self.plan.recipe(stage)
        before = self.plan.stages[number - 1] if number else None
        without = () if stage.real_share else (self.plan.held_out,)
        return FitTask(
            recipe=recipe,
            training=tuple(self._real_case(stage)) if stage.real_share else (),
            validation=(),
            folder=self.folder / stage.name,
            seed=self.plan.seed + 1000 * number,
            hardware=choose_hardware(self.device, devices=1, nodes=1, precision="auto"),
            resume=True,
            initial_weights=self.task(before).best_weights if before else self.initial_weights,
            synthetic=SyntheticSource(self.data, without=without, shape=self.plan.shape),
            real_share=stage.real_share,
        )

    def _real_case(self, stage: Stage) -> list[PreparedCase]:
        return prepare_cases([real_exam(self.data, self.plan.held_out)], self.plan.recipe(stage), self.folder / "real")


def real_exam(data: Path, patient: str) -> LabelledCase:
    """The one exam that has images and a full lesion mask."""
    folder = data / "mni" / patient
    return LabelledCase(
        case=patient,
        patient=patient,
        images={modality: folder / f"{modality.value.upper()}.nii.gz" for modality in MODALITIES},
        raters={"consensus": folder / "lesion_consensus.nii.gz"},
        preprocessed=True,
    )


def _log(name: str, step: int, value: float) -> None:
    LOGGER.info("step %s: %s %.4f", step, name, value)
