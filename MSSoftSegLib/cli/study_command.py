"""``study``: every recipe on the same patients, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.job_commands import finish, run_job
from MSSoftSegLib.cli.jobs_commands import Detach, start_detached


def study(
    out: options.Out,
    library: Annotated[
        Path | None,
        typer.Option(
            "--library", help="case library with raters' masks (default: digital patients made for the study)"
        ),
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="the smallest size: a test of the machinery, minutes")] = False,
    size: Annotated[
        str,
        typer.Option("--size", help="smoke, workstation (two cores, an hour), paired (soft beside binary) or full"),
    ] = "full",
    side_by_side: Annotated[int, typer.Option("--side-by-side", help="trainings at a time")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="go on with a study that was stopped")] = False,
    detach: Detach = False,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Train every recipe on the same folds; write one table, one figure and a sentence for each published claim.

    Example: mssoftseg study --size workstation --side-by-side 2 --out STUDY
    """
    spec = {
        "out": out,
        "library": library,
        "size": "smoke" if smoke else size,
        "side_by_side": side_by_side,
        "resume": resume,
    }
    if detach:
        start_detached({"kind": "study", "spec": spec}, json_events=json_events, debug=debug)
        return
    finish(run_job("study", spec, json_events=json_events, debug=debug), json_events=json_events)
