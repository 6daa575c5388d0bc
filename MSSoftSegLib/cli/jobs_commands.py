"""``mssoftseg jobs``: long jobs that run in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say, say_error, show_events
from MSSoftSegLib.cli.job_commands import finish, run_job
from MSSoftSegLib.errors import JobCancelled, RequestError
from MSSoftSegLib.jobs.detached.cleaning import DAYS_KEPT, find_ended_before, remove
from MSSoftSegLib.jobs.detached.reading import JobState, list_jobs, request_cancel

app = typer.Typer(help="Long jobs (training, study) that run in processes of their own.", no_args_is_help=True)
Name = Annotated[
    str | None, typer.Argument(metavar="[JOB]", help="name of a job, or its beginning (default: the latest)")
]
Detach = Annotated[
    bool,
    typer.Option("--detach", help="run in a process of its own, which goes on when this shell or Slicer is closed"),
]


@app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of a table")] = False,
) -> None:
    """List the long jobs, the latest first.

    Example: mssoftseg jobs list
    """
    states = list_jobs()
    if as_json:
        say(json.dumps([_document(state) for state in states], indent=2))
        return
    for state in states:
        done = "" if state.overall is None else f"{100 * state.overall:.0f} %"
        say(f"{state.name}  {state.state:<9}  {done:>5}  {state.kind} → {state.out}  {state.last_error or ''}".rstrip())


@app.command()
def attach(name: Name = None, json_events: options.JsonEvents = False) -> None:
    """Watch a job until it ends, as if it ran here; Ctrl-C leaves it running.

    Example: mssoftseg jobs attach
    """
    from MSSoftSegLib.jobs.detached.attaching import follow

    state = find_job(name)
    try:
        with show_events(json_events=json_events) as emit:
            outcome = follow(state.folder, emit)
    except KeyboardInterrupt:
        say_error(
            f"the job runs on: watch it with mssoftseg jobs attach {state.name}, "
            f"stop it with mssoftseg jobs cancel {state.name}"
        )
        raise typer.Exit(JobCancelled.exit_code) from None
    finish(outcome, json_events=json_events)


@app.command()
def cancel(name: Name = None) -> None:
    """Ask a job to stop; what it has computed is kept for resuming.

    Example: mssoftseg jobs cancel train-20260131-101500-3fa2
    """
    state = find_job(name)
    if state.state != "running":
        raise RequestError(f"the job {state.name} does not run: it is {state.state}", remedy="see mssoftseg jobs list")
    request_cancel(state.folder)
    say_error(f"{state.name} stops at its next step; go on with mssoftseg jobs resume {state.name}")


@app.command()
def resume(name: Name = None, json_events: options.JsonEvents = False, debug: options.Debug = False) -> None:
    """Go on with a job that was stopped, cancelled or killed.

    Example: mssoftseg jobs resume
    """
    start_detached({"resume": find_job(name).folder}, json_events=json_events, debug=debug)


@app.command()
def clean(
    days: Annotated[float, typer.Option("--days", help="older than this", min=0)] = DAYS_KEPT,
) -> None:
    """Remove the folders of old jobs that do not run; models and studies that they made are kept.

    Example: mssoftseg jobs clean --days 30
    """
    old = find_ended_before(list_jobs(), days)
    remove(old)
    for state in old:
        say(state.name)


def find_job(name: str | None) -> JobState:
    """The job that a user means."""
    states = list_jobs()
    found = [state for state in states if name is None or state.name.startswith(name)]
    exact = [state for state in found if state.name == name]
    if not found:
        what = "there is no job" if name is None else f"no job is called {name!r}"
        raise RequestError(what, remedy="see mssoftseg jobs list")
    if len(found) > 1 and name is not None and not exact:
        raise RequestError(f"{len(found)} jobs begin with {name!r}", remedy="give more of the name")
    return (exact or found)[0]


def start_detached(spec: dict[str, Any], *, json_events: bool, debug: bool) -> None:
    """Run a ``detach`` job and say what was started."""
    outcome = run_job("detach", spec, json_events=json_events, debug=debug)
    if outcome.error is not None:
        raise outcome.error
    name = Path(str(outcome.path)).name
    say_error(f"runs in a process of its own: watch it with mssoftseg jobs attach {name}")
    if not json_events:
        say(name)


def _document(state: JobState) -> dict[str, Any]:
    return {
        "name": state.name,
        "kind": state.kind,
        "state": state.state,
        "started": state.started.isoformat(),
        "overall": state.overall,
        "message": state.message,
        "out": state.spec.get("out"),
        "error": state.last_error,
        "folder": str(state.folder),
    }
