"""``train``: curated cases to a model bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.job_commands import finish, run_job
from MSSoftSegLib.cli.jobs_commands import Detach, start_detached
from MSSoftSegLib.cli.preflight_display import show_preflight


def train(
    library: Annotated[Path, typer.Option("--library", help="case library, or a MONAI datalist (.json)")],
    recipe: Annotated[str, typer.Option("--recipe", help="name of a recipe (mssoftseg recipes list), or a TOML file")],
    out: Annotated[Path, typer.Option("--out", help="folder of the model to make; the run itself is kept in OUT.run")],
    pseudo: Annotated[
        Path | None, typer.Option("--pseudo", help="library of pseudo-labelled cases (mssoftseg pseudolabel)")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option("--teacher", help="model that made the pseudo-labels: the student must not be worse")
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", help="which cases to train on; may be repeated (default: approved)")
    ] = None,
    init: Annotated[str | None, typer.Option("--init", help="model to start from, by name or folder")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="epochs (default: the recipe's)")] = None,
    folds: Annotated[int | None, typer.Option("--folds", help="number of folds; patients are never split")] = None,
    fold: Annotated[int | None, typer.Option("--fold", help="train this fold only, counted from 0")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="seed (default: the recipe's)")] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps")] = "auto",
    devices: Annotated[int, typer.Option("--devices", help="devices per node")] = 1,
    nodes: Annotated[int, typer.Option("--nodes", help="nodes; start with torchrun or srun")] = 1,
    precision: Annotated[str, typer.Option("--precision", help="auto, bf16 or 32")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="go on with a training that was stopped")] = False,
    finish_now: Annotated[
        bool, typer.Option("--finish", help="with --resume: learn no more, make the model of the best weights so far")
    ] = False,
    overwrite: options.Overwrite = False,
    detach: Detach = False,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="only say what would happen, how long it would take, and what is wrong")
    ] = False,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Train a model by a recipe on the approved cases of a library.

    Example: mssoftseg train --library LIBRARY --recipe mssoftseg --out MODEL
    """
    spec = {
        "library": library,
        "recipe": recipe,
        "out": out,
        "pseudo": pseudo,
        "teacher": teacher,
        "statuses": status or ["approved"],
        "init": init,
        "epochs": epochs,
        "folds": folds,
        "fold": fold,
        "seed": seed,
        "device": device,
        "devices": devices,
        "nodes": nodes,
        "precision": precision,
        "resume": resume,
        "finish": finish_now,
        "overwrite": overwrite,
    }
    if preflight:
        show_preflight(spec, json_events=json_events, debug=debug)
        return
    if detach:
        start_detached({"kind": "train", "spec": spec}, json_events=json_events, debug=debug)
        return
    finish(run_job("train", spec, json_events=json_events, debug=debug), json_events=json_events)
