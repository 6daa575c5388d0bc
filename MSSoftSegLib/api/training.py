"""``mss.train``: the ``train`` job in this process, as a function that gives back the model or raises."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from os import fspath
from pathlib import Path
from typing import Any, Literal

from MSSoftSegLib.api.reading import FileName
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.case_record import Status
from MSSoftSegLib.network.bundle import Bundle, read_bundle


def train(
    library: FileName,
    recipe: FileName,
    out: FileName,
    *,
    init: FileName | None = None,
    pseudo: FileName | None = None,
    teacher: FileName | None = None,
    statuses: Sequence[Status] = ("approved",),
    epochs: int | None = None,
    folds: int | None = None,
    fold: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    precision: Literal["auto", "bf16", "32"] = "auto",
    resume: bool = False,
    overwrite: bool = False,
    progress: Callable[[str, float], None] = lambda stage, fraction: None,
) -> Bundle:
    """Train a model on the labelled cases of a library; the bundle that then lies in the folder ``out``.

    The same as ``mssoftseg train``, in this process. library: a case library's folder, or a MONAI datalist (.json). recipe: its
    name or a TOML file. init: a model to start from. pseudo, teacher: a library of pseudo-labelled cases and the model that made
    them. statuses: which cases are trained on. epochs, seed: None takes the recipe's. folds, fold: K folds by patient, all of
    them (one network each) or one, counted from 0. resume: go on in ``out.run`` where a training was stopped. progress: is told
    a stage and its fraction done, 0–1. ``mss.segment(exam, model=bundle.folder)`` uses the model.

    RequestError, BadRecipe, BadLibrary or OutputExists before anything is computed; what is computed survives a stop.
    Source: Docs/methods.md sections 2 and 4; each recipe names its publication.
    """
    spec = {
        "library": fspath(library),
        "recipe": fspath(recipe),
        "out": fspath(out),
        "init": None if init is None else fspath(init),
        "pseudo": None if pseudo is None else fspath(pseudo),
        "teacher": None if teacher is None else fspath(teacher),
        "statuses": list(statuses),
        "epochs": epochs,
        "folds": folds,
        "fold": fold,
        "seed": seed,
        "device": device,
        "precision": precision,
        "resume": resume,
        "overwrite": overwrite,
    }

    def hear(event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            progress(event["stage"], event["fraction"])

    # Whoever calls from Python can read a traceback: it goes to the log.
    outcome = run(parse_job({"job": uuid.uuid4().hex[:12], "kind": "train", "spec": spec}), hear, debug=True)
    if outcome.error is not None:
        raise outcome.error
    return read_bundle(Path(out))
