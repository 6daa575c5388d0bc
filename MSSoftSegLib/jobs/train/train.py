"""The ``train`` job: curated cases in, model bundle out; what is computed survives a kill in the run's folder.

For an output ``MODEL`` the run's folder is ``MODEL.run`` beside it: config, checkpoints, curves. The bundle appears at
``MODEL`` when it is complete.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from safetensors.torch import save_file

from MSSoftSegLib.errors import OutputExists, RequestError
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.jobs.detached.one_writer import hold_output
from MSSoftSegLib.jobs.documents.train import TrainJob, TrainSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.preflight.rate_watch import watch_rates
from MSSoftSegLib.jobs.train.adaptation import (
    Adaptation,
    Extra,
    adaptation_facts,
    finish_adaptation,
    plan_adaptation,
    prepare_extra,
)
from MSSoftSegLib.jobs.train.train_inputs import read_training_cases
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.same_exam import FINGERPRINTS, compute_fingerprint
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.description import ModelName
from MSSoftSegLib.network.operating_point import AcquisitionPoint
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.result_folder import check_target, remove_abandoned, remove_whole, write_completely
from MSSoftSegLib.training.adaptation.cross_fit import drop_validation, plan_cross_fit
from MSSoftSegLib.training.adaptation.policy import count_labeled_patients
from MSSoftSegLib.training.data.folds import count_held_out
from MSSoftSegLib.training.data.prepared import PreparedCase, prepare_cases
from MSSoftSegLib.training.earlier_models import find_initial_bundle, find_teacher
from MSSoftSegLib.training.engine import cluster
from MSSoftSegLib.training.engine.bundle_writing import write_trained_bundle
from MSSoftSegLib.training.engine.checkpoint import write_whole
from MSSoftSegLib.training.engine.launch import choose_hardware
from MSSoftSegLib.training.engine.operating_point import choose_operating_point
from MSSoftSegLib.training.engine.run import (
    Members,
    choose_judging_device,
    describe_members,
    find_trained_members,
    plan_members,
    train_members,
)
from MSSoftSegLib.training.engine.task import FitTask, Hardware
from MSSoftSegLib.training.engine.teacher_check import guard_student
from MSSoftSegLib.training.followed_recipe import resolve_recipe
from MSSoftSegLib.training.recipe import Recipe, find_recipe
from MSSoftSegLib.training.run_folder import (
    CONFIG_FILE,
    MEMBERS_FILE,
    has_begun,
    make_members_document,
    name_run_folder,
)

LOGGER = logging.getLogger(__name__)
SHARES = {"preparing": 10.0, "base-patients": 5.0, "training": 80.0, "operating-point": 8.0, "bundle": 2.0}


def run_train(job: TrainJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the bundle's folder. In a cluster's job every process runs this, and the first one speaks and writes.

    No other long job writes to the same output meanwhile, and what a step took is remembered for the next estimate.
    """
    with hold_output(job.spec.out) as taken, watch_rates(job.spec, emit) as watched:
        return _train(job, watched, lambda: taken.is_set() or cancelled())


def _train(job: TrainJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit if cluster.global_rank() == 0 else _silent, cancelled)
    reporter.started(job.kind)
    recipe = find_recipe(spec.recipe)
    hardware = choose_hardware(spec.device, devices=spec.devices, nodes=spec.nodes, precision=spec.precision)
    check_target(spec.out, overwrite=spec.may_replace, inputs=[spec.library])
    _check_model_name(spec.out)
    teacher = find_teacher(spec.teacher, recipe)
    initial = find_initial_bundle(spec.init, recipe)
    cases = read_training_cases(spec)
    adaptation = plan_adaptation(recipe, cases, initial)
    recipe = resolve_recipe(
        recipe,
        patients=count_labeled_patients(cases),
        initial=None if initial is None else initial.description,
        epochs=spec.epochs,
        seed=spec.seed,
    )
    if spec.folds is None:
        count_held_out(count_labeled_patients(cases), recipe.data.validation)
    folder = name_run_folder(spec.out)
    with cluster.run_first_alone(hardware) as first:
        if first:
            _open_run(folder, spec, recipe, cases)
        prepared, extra = _prepare(cases, recipe, spec, folder, adaptation, choose_judging_device(hardware), reporter)
    tasks = plan_members(
        [*prepared, *extra.rehearsal],
        recipe,
        Members(spec.folds, spec.fold),
        folder,
        hardware=hardware,
        resume=spec.resume,
        initial_weights=_initial_weights(initial, folder),
        frozen=() if adaptation is None else adaptation.size.frozen,
        base=extra.base,
    )
    cross_fit: list[FitTask] = []
    if adaptation is not None and adaptation.size.cross_fit and spec.folds is None:
        cross_fit = plan_cross_fit(
            [*prepared, *extra.rehearsal],
            recipe,
            adaptation.size.cross_fit,
            folder,
            hardware=hardware,
            resume=spec.resume,
            initial_weights=_initial_weights(initial, folder),
            frozen=adaptation.size.frozen,
        )
    if spec.finish:
        tasks = find_trained_members(tasks)
        cross_fit = cross_fit if all(task.is_done for task in cross_fit) else []
    if cluster.global_rank() == 0:
        write_whole(
            folder / MEMBERS_FILE, make_members_document(describe_members(tasks), describe_members(cross_fit)).encode()
        )
    train_members(
        [] if spec.finish else [*tasks, *drop_validation(cross_fit)],
        metric=reporter.metric,
        progress=lambda fraction, message: reporter.progress("training", fraction, message),
        cancelled=cancelled,
    )
    if cluster.global_rank() == 0:
        learned = {case.case for task in tasks for case in task.training}
        facts = _facts(spec, prepared, [case for case in cases if case.case in learned])
        _write(spec, tasks, cross_fit, facts, adaptation, teacher, hardware, reporter)
        if spec.prepared is None:
            shutil.rmtree(folder / "prepared", ignore_errors=True)
    return spec.out


def _write(
    spec: TrainSpec,
    tasks: list[FitTask],
    cross_fit: list[FitTask],
    facts: dict[str, object],
    adaptation: Adaptation | None,
    teacher: Bundle | None,
    hardware: Hardware,
    reporter: Reporter,
) -> None:
    """Choose the operating point, ask the guard, write the bundle, say so."""
    device = choose_judging_device(hardware)

    def choosing(fraction: float) -> None:
        reporter.progress("operating-point", fraction)

    told: dict[str, object] = {}
    acquisitions: tuple[AcquisitionPoint, ...]
    if adaptation is None:
        point, acquisitions = choose_operating_point(tasks, device, progress=choosing), ()
    else:
        outcome = finish_adaptation(adaptation, tasks, cross_fit, device, progress=choosing)
        point, acquisitions = outcome.points.default, outcome.points.acquisitions
        facts = {**facts, "adaptation": adaptation_facts(adaptation, outcome)}
        told = {
            "operating_point": outcome.words,
            "acquisitions": [entry.model_dump() for entry in acquisitions],
            "base": outcome.forgetting.facts(),
        }
    if teacher is not None:
        LOGGER.info("%s", guard_student(teacher, tasks, point, device).reason)
    reporter.progress("bundle", 0.0)
    with write_completely(spec.out, overwrite=spec.may_replace) as folder:
        description = write_trained_bundle(folder, spec.out.name, tasks, point, facts=facts, acquisitions=acquisitions)
        reporter.progress("bundle", 1.0)
    reporter.result(
        spec.out.name,
        {
            "model": description.name,
            "run": name_run_folder(spec.out).name,
            "members": len(tasks),
            "held_out": sorted({case.case for task in tasks for case in task.validation}),
            "threshold": point.threshold,
            "temperature": point.temperature,
            "min_lesion_mm3": point.min_lesion_mm3,
            "best_validation_dsc": description.metrics["best_validation_dsc"],
            **told,
        },
    )


def _check_model_name(out: Path) -> None:
    """A bundle is called what its folder is: a name that no model may have is refused before training, not after."""
    try:
        TypeAdapter(ModelName).validate_python(out.name)
    except ValidationError:
        raise RequestError(
            f"{out.name!r} cannot be the name of a model",
            remedy="choose an --out of letters A–Z, digits, dots, dashes and underscores, at most 64 of them",
        ) from None


def _open_run(folder: Path, spec: TrainSpec, recipe: Recipe, cases: list[LabeledCase]) -> None:
    """Make the run's folder; a run that was begun here goes on only when asked, and only with the same recipe and cases.

    With other cases, patients would be held out whom the weights have learned from.
    """
    config = folder / CONFIG_FILE
    document = {
        "recipe": recipe.model_dump(mode="json"),
        "folds": spec.folds,
        "fold": spec.fold,
        "cases": sorted([case.case, case.patient] for case in cases),
    }
    remove_abandoned(folder)
    if has_begun(folder):
        if not spec.resume and not spec.overwrite:
            raise OutputExists(
                f"a training was begun in {folder.name} already",
                remedy="add --resume to go on, or --overwrite to start over",
            )
        if spec.overwrite:
            _remove_run(folder)
        elif _read_beginning(config) != document:
            raise RequestError(
                f"the training in {folder.name} was begun with another recipe, other folds or other cases",
                remedy="repeat the options of the run that you resume, or start over with --overwrite",
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(config, (json.dumps(document, indent=2) + "\n").encode())


def _read_beginning(config: Path) -> object:
    """What the run of a configuration was begun with; None where that cannot be read."""
    try:
        return parse_json(config.read_bytes())
    except (OSError, ValueError):
        return None


def _remove_run(folder: Path) -> None:
    """Remove an earlier run of ours, whole at once as others see it; a folder that is none is left alone."""
    if not (folder / CONFIG_FILE).is_file():
        raise OutputExists(f"{folder.name} is no training run and is not overwritten", remedy="choose another --out")
    remove_whole(folder, folder)


def _prepare(
    cases: list[LabeledCase],
    recipe: Recipe,
    spec: TrainSpec,
    folder: Path,
    adaptation: Adaptation | None,
    device: Device,
    reporter: Reporter,
) -> tuple[list[PreparedCase], Extra]:
    """The cases on the working grid, and the digital patients of an adaptation."""
    place = spec.prepared or folder / "prepared"
    prepared = prepare_cases(
        cases,
        recipe,
        place,
        cache=StepCache(),
        progress=lambda fraction: reporter.progress("preparing", fraction),
        cancelled=reporter.cancelled,
    )
    extra = prepare_extra(
        adaptation,
        recipe,
        folder,
        place,
        device,
        progress=lambda fraction: reporter.progress("base-patients", fraction),
        cancelled=reporter.cancelled,
    )
    return prepared, extra


def _initial_weights(bundle: Bundle | None, folder: Path) -> Path | None:
    """The first network of the model to start from, as a file that every training process can read."""
    if bundle is None:
        return None
    path = folder / "initial.safetensors"
    if cluster.global_rank() == 0 and not path.is_file():
        state = load_networks(bundle)[0].state_dict()
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, str(path))
    return path


def _facts(spec: TrainSpec, prepared: list[PreparedCase], learned: list[LabeledCase]) -> dict[str, object]:
    """What the bundle records of its data: numbers and fingerprints, never names."""
    pseudo = [case for case in prepared if case.is_pseudo_labelled]
    labeled = [case for case in prepared if not case.is_pseudo_labelled]
    return {
        "training_cases": len(prepared),
        "pseudo_labelled_cases": len(pseudo),
        "patients": len({case.patient for case in labeled}),
        "folds": spec.folds or 1,
        "fold": spec.fold,
        "started_from": None if spec.init is None else Path(spec.init).name,
        "mean_soft_volume_ml": round(sum(case.soft_volume_ml for case in labeled) / max(1, len(labeled)), 3),
        FINGERPRINTS: sorted(compute_fingerprint(case) for case in learned),
    }


def _silent(event: object) -> None:
    pass
