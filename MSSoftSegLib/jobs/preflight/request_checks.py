"""What is wrong with the request itself: the output, the model to start from, the device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.jobs.detached.starting import check_nobody_writes_to
from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.jobs.preflight.finding import PreflightFinding, make_finding
from MSSoftSegLib.network.description import ModelName
from MSSoftSegLib.result_folder import check_target
from MSSoftSegLib.training.earlier_models import find_initial_bundle, find_teacher
from MSSoftSegLib.training.engine.launch import choose_hardware
from MSSoftSegLib.training.recipe import Recipe
from MSSoftSegLib.training.run_folder import CONFIG_FILE, has_begun, name_run_folder


def check_output(spec: TrainSpec) -> list[PreflightFinding]:
    """Where the model is to lie."""
    findings = _said(lambda: check_target(spec.out, overwrite=spec.may_replace, inputs=[spec.library]))
    findings += _said(lambda: check_nobody_writes_to(str(spec.out.absolute())))
    try:
        TypeAdapter(ModelName).validate_python(spec.out.name)
    except ValidationError:
        message = f"{spec.out.name!r} cannot be the name of a model"
        findings.append(
            PreflightFinding("error", message, "choose letters A–Z, digits, dots, dashes and underscores, at most 64")
        )
    run = name_run_folder(spec.out)
    begun = has_begun(run)
    if begun and not (spec.resume or spec.overwrite):
        findings.append(
            PreflightFinding(
                "error", f"a training was begun in {run.name} already", "resume it, or start over with overwrite"
            )
        )
    if begun and spec.overwrite and not (run / CONFIG_FILE).is_file():
        findings.append(
            PreflightFinding("error", f"{run.name} is no training run and is not overwritten", "choose another output")
        )
    if spec.resume and begun:
        findings.append(
            PreflightFinding("note", "the time is that of a whole training: what is done already comes off")
        )
    if spec.resume and not begun:
        findings.append(
            PreflightFinding("warning", f"there is nothing to resume in {run.name}: it starts from the beginning")
        )
    return findings


def check_model(spec: TrainSpec, recipe: Recipe) -> list[PreflightFinding]:
    """Models that the training leans on."""
    findings = []
    if recipe.adaptation is not None and spec.init is None:
        message = f"the recipe {recipe.name} adapts a model that exists"
        findings.append(PreflightFinding("error", message, "choose the model to start from"))
    findings += _said(lambda: find_initial_bundle(spec.init, recipe))
    findings += _said(lambda: find_teacher(spec.teacher, recipe))
    return findings


def check_device(spec: TrainSpec) -> list[PreflightFinding]:
    """Whether there is what was asked for, and whether it is what one would want."""
    found = _said(
        lambda: choose_hardware(spec.device, devices=spec.devices, nodes=spec.nodes, precision=spec.precision)
    )
    if not found and spec.device in ("auto", "cpu") and not torch.cuda.is_available():
        cores = torch.get_num_threads()
        threads = "one thread" if cores == 1 else f"{cores} threads"
        found.append(PreflightFinding("note", f"no GPU: the training runs on the processor, {threads}"))
    return found


def name_computing_device(spec: TrainSpec) -> str:
    """What the training computes with, by kind and precision: what its speed belongs to."""
    hardware = choose_hardware(spec.device, devices=spec.devices, nodes=spec.nodes, precision=spec.precision)
    threads = torch.get_num_threads() if hardware.accelerator == "cpu" else 0
    return f"{hardware.accelerator} {hardware.precision} {hardware.devices} {hardware.nodes} {threads}"


def _said(check: Callable[[], object]) -> list[PreflightFinding]:
    try:
        check()
    except MSSoftSegError as problem:
        return [make_finding(problem)]
    return []


def free_mb(out: Path) -> float:
    """Space left where the model is to lie."""
    import psutil

    place = out.absolute().parent
    while not place.exists():
        place = place.parent
    return float(psutil.disk_usage(str(place)).free / 1e6)
