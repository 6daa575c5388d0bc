"""``change``: two visits of a patient, or more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.cli.job_commands import finish, run_job
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.network.catalog import find_default_model
from MSSoftSegLib.result_files import CHANGE_FILE


def change(
    out: options.Out,
    before: Annotated[
        Path | None, typer.Option("--before", help="earlier visit: exam folder, or a finished result of segment")
    ] = None,
    after: Annotated[Path | None, typer.Option("--after", help="later visit: exam folder or finished result")] = None,
    visit: Annotated[
        list[Path] | None,
        typer.Option("--visit", help="repeat it for every visit, in order of time, instead of --before and --after"),
    ] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            "--mask",
            help="a reader's corrected mask, once for every visit in order of time: a file on FLAIR's grid, model for the "
            "model's lesions, or auto (default): the rater's mask where the visit is a case of a library, else the model's",
        ),
    ] = None,
    rater: Annotated[
        str | None, typer.Option("--rater", help="whose mask of a library's case (default: the latest)")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="for exams that are not segmented yet (default: models list)")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps")] = "auto",
    brain: options.Brain = "auto",
    tta: Annotated[str | None, typer.Option("--tta", help="flips8 or none (default: the model's)")] = None,
    enlarging_percent: Annotated[
        float | None,
        typer.Option(
            "--enlarging-percent",
            help="call lesions enlarging beyond this change of volume, as 30 (default: beyond what repeated scans vary)",
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    cache: options.UseCache = True,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Compare two visits of a patient, or more: new, enlarging, stable, shrinking, resolved lesions (research use only).

    Example: mssoftseg change --before EXAM_2024 --after EXAM_2025 --out CHANGE_FOLDER
    """
    spec = {
        "visits": _visits(before, after, visit or []),
        "masks": [{"mask": each} for each in mask or []],
        "rater": rater,
        "out": out,
        "model": find_default_model() if model is None else model,
        "device": device,
        "preprocessing": {"brain": brain},
        "tta": tta,
        "enlarging_percent": enlarging_percent,
        "overwrite": overwrite,
        "use_cache": cache,
    }
    finish(run_job("change", spec, json_events=json_events, debug=debug), json_events=json_events)
    if not json_events:
        _say_counts(out)


def _visits(before: Path | None, after: Path | None, visits: list[Path]) -> list[Path]:
    """The visits in order of time, given one way or the other."""
    if visits and (before is not None or after is not None):
        raise RequestError(
            "--visit cannot be mixed with --before and --after", remedy="give --visit for every visit, in order of time"
        )
    if visits:
        if len(visits) < 2:
            raise RequestError("one visit cannot be compared with nothing", remedy="give --visit at least twice")
        return visits
    if before is None or after is None:
        missing = "--before" if before is None else "--after"
        raise RequestError(f"{missing} is missing", remedy="give --before and --after, or --visit for every visit")
    return [before, after]


def _say_counts(out: Path) -> None:
    """What differs besides disease, then how many of each class."""
    document = json.loads((out / CHANGE_FILE).read_text(encoding="utf-8"))
    for visit in document["visits"]:
        if visit["mask"] == "reader":
            say(f"{visit['name']}: lesions as {visit['rater'] or 'a reader'} corrected them")
    for pair in document["pairs"]:
        counts = ", ".join(f"{count} {change}" for change, count in pair["counts"].items() if count)
        say(f"{pair['before']} → {pair['after']}: {counts or 'no lesion at either visit'}")
