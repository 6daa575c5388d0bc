"""One trial: an arm trained with one seed on one fold's training patients, and measured on the patients held out.

A trial is a process of its own, so that several run side by side and one that is killed costs only itself:

    python -m MSSoftSegLib.study.trial STUDY_FOLDER ARM SEED FOLD [LIBRARY]
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from MSSoftSegLib.evaluation.case_metrics import CaseMetrics, measure_case
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.predict import predict_members
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.lesion.uncertainty import entropy_nats
from MSSoftSegLib.network.bundle import Bundle, read_bundle
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.network.window import window_of
from MSSoftSegLib.result_folder import write_completely
from MSSoftSegLib.study.ending import end_with_the_study
from MSSoftSegLib.study.plan import StudyPlan, read_plan
from MSSoftSegLib.study.pseudo_labels import label_with_teacher
from MSSoftSegLib.training.data.prepared import PreparedCase, prepare_cases
from MSSoftSegLib.training.engine.bundle_writing import write_trained_bundle
from MSSoftSegLib.training.engine.checkpoint import write_whole
from MSSoftSegLib.training.engine.launch import choose_hardware
from MSSoftSegLib.training.engine.operating_point import choose_operating_point
from MSSoftSegLib.training.engine.run import Members, choose_judging_device, plan_members, train_members
from MSSoftSegLib.training.recipe import Recipe


@dataclass(frozen=True)
class Trial:
    """Which arm, which repetition, which held-out fold."""

    arm: str
    seed: int
    fold: int

    @property
    def name(self) -> str:
        """For folders and files."""
        return f"{self.arm}-seed-{self.seed}-fold-{self.fold}"


def name_result_file(study: Path, trial: Trial) -> Path:
    """Where a finished trial's measurements lie."""
    return study / "trials" / f"{trial.name}.json"


def name_model_folder(study: Path, trial: Trial) -> Path:
    """The trial's model bundle."""
    return study / "models" / trial.name


def _name_run_folder(study: Path, trial: Trial) -> Path:
    """Where the trial trains; gone once its model is there."""
    return study / "runs" / trial.name


def run_trial(study: Path, trial: Trial, library: Path | None) -> None:
    """Train (unless the bundle is there already), measure, write the result file."""
    plan = read_plan(study, library)
    recipe = plan.recipe(trial.arm, seed=trial.seed)
    labeled = plan.labeled_cases(study)
    training = [case for case in labeled if case.patient not in plan.folds[trial.fold]]
    held_out = [case for case in labeled if case.patient in plan.folds[trial.fold]]
    folder = plan.prepared_folder(study, recipe)
    prepared = prepare_cases([*training, *held_out], recipe, folder)
    known, tested = prepared[: len(training)], prepared[len(training) :]
    bundle_folder = name_model_folder(study, trial)
    if not bundle_folder.is_dir():
        taught = [*known, *_pseudo_labeled(study, plan, trial, recipe, folder)]
        _train(study, trial, recipe, taught, bundle_folder)
    # Also what an attempt left that was killed when its model was in place.
    shutil.rmtree(_name_run_folder(study, trial), ignore_errors=True)
    device = choose_judging_device(choose_hardware("cpu", devices=1, nodes=1, precision="auto"))
    bundle = read_bundle(bundle_folder)
    tta = "flips8" if trial.arm in plan.size.tta else "none"
    cases = [_measured(bundle, case, tta, device) for case in tested]
    document = {**dataclasses.asdict(trial), "tta": tta, **_facts(bundle, known), "cases": cases}
    path = name_result_file(study, trial)
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps(document, indent=1).encode())


def _pseudo_labeled(study: Path, plan: StudyPlan, trial: Trial, recipe: Recipe, folder: Path) -> list[PreparedCase]:
    """What the trial's teacher, trained without the held-out patients too, says of the unlabelled exams."""
    if plan.teacher(trial.arm) is None or recipe.pseudo_labels is None:
        return []
    teacher = name_model_folder(study, Trial(str(plan.teacher(trial.arm)), trial.seed, trial.fold))
    made = study / "pseudo-labels" / trial.name
    cases = label_with_teacher(plan.library_folder(study), teacher, recipe.pseudo_labels, made)
    return prepare_cases(cases, recipe, folder)


def _train(study: Path, trial: Trial, recipe: Recipe, cases: list[PreparedCase], target: Path) -> None:
    """Train as ``mssoftseg train`` does; go on where an earlier attempt was stopped."""
    hardware = choose_hardware("cpu", devices=1, nodes=1, precision="auto")
    run = _name_run_folder(study, trial)
    tasks = plan_members(cases, recipe, Members(), run, hardware=hardware, resume=True, initial_weights=None)
    train_members(tasks, metric=lambda *said: None, progress=lambda *said: None, cancelled=lambda: False)
    point = choose_operating_point(tasks, choose_judging_device(hardware))
    with write_completely(target, overwrite=False) as folder:
        write_trained_bundle(folder, trial.arm, tasks, point, facts={"training_cases": len(cases), "study": trial.name})


def _measured(bundle: Bundle, case: PreparedCase, tta: str, device: Device) -> dict[str, Any]:
    """One held-out case against each of its raters."""
    description = bundle.description
    brain = np.array(case.brain())
    images = torch.from_numpy(np.array(case.images()))[None]
    members = predict_members(
        load_networks(bundle),
        images,
        tta=tta,
        temperature=description.calibration.temperature,
        device=device,
        activation=description.activation,
        floor=description.activation_floor,
        window=window_of(description),
    )
    probability = torch.stack(members).mean(dim=0).numpy() * brain
    instances = label_instances(
        probability,
        threshold=description.threshold,
        min_lesion_mm3=description.min_lesion_mm3,
        voxel_volume_mm3=case.spacing_mm**3,
    )
    entropy = np.asarray(entropy_nats(probability))
    raters = {
        rater: measure_case(
            (np.array(case.rater(rater)) >= 0.5).astype(np.float32),
            instances > 0,
            probability,
            entropy,
            brain,
            (case.spacing_mm,) * 3,
        )
        for rater in case.raters
    }
    return {"case": case.case, "patient": case.patient, "raters": {k: _numbers(v) for k, v in raters.items()}}


def _numbers(metrics: CaseMetrics) -> dict[str, Any]:
    return {"values": metrics.values, "by_size": [dataclasses.asdict(part) for part in metrics.by_size]}


def _facts(bundle: Bundle, training: list[PreparedCase]) -> dict[str, Any]:
    """What the table says of a trial beside its measurements."""
    description = bundle.description
    return {
        "training_cases": len(training),
        "mean_soft_volume_ml": float(np.mean([case.soft_volume_ml for case in training])),
        "threshold": description.threshold,
        "min_lesion_mm3": description.min_lesion_mm3,
        "temperature": description.calibration.temperature,
        "validation_dsc": description.metrics["best_validation_dsc"][0],
    }


def main(arguments: list[str]) -> None:
    """Run one trial in this process."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    end_with_the_study()
    study, arm, seed, fold, *library = arguments
    run_trial(Path(study), Trial(arm, int(seed), int(fold)), Path(library[0]) if library else None)


if __name__ == "__main__":
    main(sys.argv[1:])
