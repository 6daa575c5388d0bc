"""``pseudolabel``: a teacher labels exams that nobody labelled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import make_harmless, say
from MSSoftSegLib.cli.job_commands import finish, run_job
from MSSoftSegLib.errors import JobCancelled, JobFailed, RequestError
from MSSoftSegLib.inference.pseudo_label_settings import PseudoLabelChoices
from MSSoftSegLib.training.pseudo_labels.plan import is_library, plan_exams
from MSSoftSegLib.training.recipe import find_recipe

WITH_A_MAPPING = (0, JobFailed.exit_code, JobCancelled.exit_code)


def pseudolabel(
    model: Annotated[
        str, typer.Option("--model", help="the teacher: name of an installed model, or a bundle's folder")
    ],
    unlabeled: Annotated[
        Path,
        typer.Option("--unlabelled", help="folder with one folder per exam, or a case library with unlabelled cases"),
    ],
    out: Annotated[Path, typer.Option("--out", help="case library to add to; made if absent")],
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="take the settings of this recipe; options given here come first")
    ] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", help="binary, binary+soft (default) or confidence-weighted")
    ] = None,
    alpha: Annotated[
        float | None, typer.Option("--alpha", help="confidence is exp(-alpha * entropy) (default 0.3)")
    ] = None,
    vpt: Annotated[float | None, typer.Option("--vpt", help="voxels below it are zeroed (default 0.3)")] = None,
    vpt_on: Annotated[
        str | None,
        typer.Option("--vpt-on", help="what vpt and tst judge: omega, probability or omega*probability (default)"),
    ] = None,
    tst: Annotated[
        float | None, typer.Option("--tst", help="cases whose sum is smaller are dropped, mm³ (default 100)")
    ] = None,
    gamma: Annotated[float | None, typer.Option("--gamma", help="value of the soft shell (default 0.5)")] = None,
    radius_mm: Annotated[float | None, typer.Option("--radius-mm", help="width of the soft shell (default 1)")] = None,
    brain: Annotated[
        str, typer.Option("--brain", help="auto, hd-bet, atlas, or none for brain-extracted images")
    ] = "auto",
    align_to: options.AlignTo = None,
    preprocessed: Annotated[
        bool, typer.Option("--preprocessed", help="the images are aligned, corrected and brain-extracted, on one grid")
    ] = False,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps")] = "auto",
    cache: options.UseCache = True,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Label unlabelled exams with a model, for the training of another; which folder became which case is printed only here.

    Exit code 4 when one cannot be labelled, though all others are.

    Example: mssoftseg pseudolabel --model TEACHER --unlabelled EXAM_FOLDERS --out LIBRARY
    """
    given = {
        "mode": mode,
        "alpha": alpha,
        "vpt": vpt,
        "vpt_on": vpt_on,
        "tst": tst,
        "gamma": gamma,
        "radius_mm": radius_mm,
    }
    chosen = {**_settings_of(recipe), **{name: value for name, value in given.items() if value is not None}}
    spec = {
        "model": model,
        "unlabelled": unlabeled,
        "out": out,
        "pseudo_labels": chosen,
        "device": device,
        "brain": brain,
        "align_to": align_to,
        "preprocessed": preprocessed,
        "use_cache": cache,
    }
    outcome = run_job("pseudolabel", spec, json_events=json_events, debug=debug)
    # Also after a failure: without it nobody knows which exam a warning speaks of.
    if not json_events and outcome.exit_code in WITH_A_MAPPING and not is_library(unlabeled):
        for exam in plan_exams(unlabeled, out, preprocessed=preprocessed):
            say(f"{exam.case.patient}\t{make_harmless(exam.origin, one_line=True)}")
    finish(outcome, json_events=json_events)


def _settings_of(recipe: str | None) -> dict[str, Any]:
    """The recipe's settings for pseudo-labels; the defaults without a recipe."""
    if recipe is None:
        return {}
    settings = find_recipe(recipe).pseudo_labels
    if settings is None:
        raise RequestError(
            f"the recipe {Path(recipe).name} has no pseudo_labels", remedy="choose another recipe, or give the options"
        )
    return settings.model_dump(mode="json", include=set(PseudoLabelChoices.model_fields))
