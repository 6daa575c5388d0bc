"""Running a study's trials: several processes side by side, each finished trial kept, an interrupted study taken up again."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from MSSoftSegLib.errors import JobCancelled, JobFailed
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.study.ending import start_process
from MSSoftSegLib.study.plan import StudyPlan
from MSSoftSegLib.study.trial import Trial, name_model_folder, name_result_file
from MSSoftSegLib.training.data.prepared import prepare_cases

LOGGER = logging.getLogger(__name__)
WAIT_S = 0.5


def plan_trials(plan: StudyPlan) -> list[Trial]:
    """Every trial, a seed after the other, so that a study that is stopped has whole repetitions; teachers before their students.

    With one fold a seed, seed s holds out fold s.
    """
    size = plan.size
    ordered = sorted(size.arms, key=lambda arm: (plan.teacher(arm) is not None, size.arms.index(arm)))
    folds = range(len(plan.folds))
    return [
        Trial(arm, seed, fold)
        for seed in range(size.seeds)
        for arm in ordered
        for fold in (folds if size.every_fold else [seed % len(plan.folds)])
    ]


def run_trials(
    study: Path,
    plan: StudyPlan,
    *,
    side_by_side: int,
    progress: Callable[[float, str], None],
    cancelled: Callable[[], bool],
) -> list[Trial]:
    """Run what is not finished yet; the trials that failed. Cancelling ends the running trials, which go on next time."""
    trials = plan_trials(plan)
    waiting = [trial for trial in trials if not name_result_file(study, trial).is_file()]
    running: dict[Trial, subprocess.Popen[bytes]] = {}
    failed: list[Trial] = []
    told = -1
    (study / "logs").mkdir(exist_ok=True)
    try:
        while waiting or running:
            if cancelled():
                raise JobCancelled
            _collect(study, running, failed)
            blocked = _blocked(plan, waiting, running, failed)
            ready = [trial for trial in waiting if trial not in blocked]
            if ready and len(running) < side_by_side:
                trial = ready[0]
                waiting.remove(trial)
                _prepare(study, plan, trial)
                running[trial] = _started(study, plan, trial)
            elif waiting and not running and not ready:
                failed += waiting
                waiting.clear()
            else:
                time.sleep(WAIT_S)
            done = len(trials) - len(waiting) - len(running)
            if done != told:
                told = done
                progress(done / len(trials), f"{done} of {len(trials)} trials")
                _tidy(study, plan, [*waiting, *running])
        # Also of a study that was killed between its last trial and this.
        _tidy(study, plan, [])
    finally:
        for process in running.values():
            process.terminate()
    return failed


def _blocked(
    plan: StudyPlan, waiting: Sequence[Trial], running: dict[Trial, subprocess.Popen[bytes]], failed: Sequence[Trial]
) -> set[Trial]:
    """Students whose teacher is not trained yet, or never will be."""
    untrained = {*waiting, *running, *failed}
    return {
        trial
        for trial in waiting
        if (teacher := plan.teacher(trial.arm)) is not None and Trial(teacher, trial.seed, trial.fold) in untrained
    }


def _prepare(study: Path, plan: StudyPlan, trial: Trial) -> None:
    """Prepared cases are shared between trials: made here, so that two trials never write the same folder."""
    recipe = plan.recipe(trial.arm, seed=trial.seed)
    # Arms that differ in labels only share the steps of preprocessing.
    prepare_cases(plan.labeled_cases(study), recipe, plan.prepared_folder(study, recipe), cache=StepCache())


def _started(study: Path, plan: StudyPlan, trial: Trial) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "MSSoftSegLib.study.trial",
        str(study),
        trial.arm,
        str(trial.seed),
        str(trial.fold),
    ]
    if plan.library is not None:
        command.append(str(plan.library))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    return start_process(command, study / "logs" / f"{trial.name}.log", environment)


def _collect(study: Path, running: dict[Trial, subprocess.Popen[bytes]], failed: list[Trial]) -> None:
    for trial, process in list(running.items()):
        if process.poll() is None:
            continue
        del running[trial]
        if process.returncode or not name_result_file(study, trial).is_file():
            failed.append(trial)
            LOGGER.warning("the trial %s failed; see logs/%s.log in the study's folder", trial.name, trial.name)


def _tidy(study: Path, plan: StudyPlan, ahead: Sequence[Trial]) -> None:
    """Remove prepared cases that no trial ahead needs: they are the largest part of a study."""
    needed = {plan.prepared_folder(study, plan.recipe(arm, seed=0)) for arm in {trial.arm for trial in ahead}}
    for folder in (study / "prepared").glob("*"):
        if folder not in needed:
            shutil.rmtree(folder, ignore_errors=True)


def check_any_finished(study: Path, plan: StudyPlan, failed: Sequence[Trial]) -> None:
    """A study of which nothing came out has failed."""
    if not any(name_result_file(study, trial).is_file() for trial in plan_trials(plan)):
        names = ", ".join(trial.name for trial in failed[:3])
        raise JobFailed(
            f"no trial of the study came to its end ({names} …)", remedy="see the logs in the study's folder"
        )


def find_trained_models(study: Path, plan: StudyPlan) -> list[Path]:
    """The bundles that the study made."""
    return [folder for trial in plan_trials(plan) if (folder := name_model_folder(study, trial)).is_dir()]
