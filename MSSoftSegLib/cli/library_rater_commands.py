"""``mssoftseg library agreement`` and ``merge``: what two raters make of a case, and how raters become one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.cli.job_commands import run_job
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.events import Event
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.library_settings import read_settings
from MSSoftSegLib.library.reading import check_is_library
from MSSoftSegLib.softlabel.settings import SoftLabelSettings

Library = Annotated[Path, typer.Argument(metavar="DIR", help="the case library's folder")]


def agreement(
    library: Library,
    case: Annotated[str, typer.Argument(metavar="CASE", help="sub-01_ses-02, 01/02, or 01")],
    rater: Annotated[list[str], typer.Option("--rater", help="two of the case's raters: give the option twice")],
    out: Annotated[Path, typer.Option("--out", help="soft union to write: 1 where both drew, 0.5 where one did")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace --out")] = False,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Compare two raters' masks of a case. Example: mssoftseg library agreement LIBRARY 01 --rater A --rater B --out U.nii.gz"""
    if len(rater) != 2:
        raise RequestError(f"{len(rater)} raters are named", remedy="name two with --rater A --rater B")
    spec = {"library": library, "case": case, "raters": rater, "out": out, "overwrite": overwrite}
    summary = _summary_of("library-agreement", spec, json_events=json_events, debug=debug)
    if summary is None:
        return
    first, second = rater
    lesions, volumes = summary["lesions"], summary["volumes"]
    say(f"DSC {_number(summary['dsc'])}, lesion F1 {_number(summary['lesion_f1'])}")
    say(
        f"{first}: {volumes[first]:.3f} ml, {lesions['a']} lesions, {lesions['a_touched']} of them drawn by {second} too"
    )
    say(
        f"{second}: {volumes[second]:.3f} ml, {lesions['b']} lesions, {lesions['b_touched']} of them drawn by {first} too"
    )
    say(
        f"both {summary['agreed_ml']:.3f} ml, only {first} {summary['only_a_ml']:.3f} ml, "
        f"only {second} {summary['only_b_ml']:.3f} ml"
    )
    say(str(out))


def merge(
    library: Library,
    merge: Annotated[
        str | None, typer.Option("--merge", help="several raters: intersection, union, soft-union or mean")
    ] = None,
    method: Annotated[str | None, typer.Option("--method", help="border, as in mssoftseg softmask")] = None,
    gamma: Annotated[float | None, typer.Option("--gamma", help="value of shell and disagreement, 0–1")] = None,
    radius_mm: Annotated[float | None, typer.Option("--radius-mm", help="shell of barilan and voxelwise")] = None,
    size_percent: Annotated[float | None, typer.Option("--size-percent", help="kats: size of the grown mask")] = None,
    sigma_mm: Annotated[float | None, typer.Option("--sigma-mm", help="gaussian and svls")] = None,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Tell, or choose, how this library's raters are merged and softened where nobody says otherwise.

    Example: mssoftseg library merge LIBRARY --merge soft-union --method barilan
    """
    given: dict[str, Any] = {
        "merge": merge,
        "method": method,
        "gamma": gamma,
        "radius_mm": radius_mm,
        "size_percent": size_percent,
        "sigma_mm": sigma_mm,
    }
    given = {key: value for key, value in given.items() if value is not None}
    check_is_library(library)
    before = read_settings(library).softening or SoftLabelSettings()
    softening = {**before.model_dump(), **given} if given else None
    summary = _summary_of(
        "library-settings", {"library": library, "softening": softening}, json_events=json_events, debug=debug
    )
    if summary is not None:
        chosen = summary["softening"]
        say("nothing is chosen" if chosen is None else " ".join(f"{key}={value}" for key, value in chosen.items()))


def _summary_of(kind: str, spec: dict[str, Any], *, json_events: bool, debug: bool) -> Event | None:
    """The summary of a job that takes no time; None where its events were printed. Raises what went wrong."""
    if json_events:
        outcome = run_job(kind, spec, json_events=True, debug=debug)
        if outcome.error is not None:
            raise outcome.error
        return None
    events: list[Event] = []
    outcome = run(parse_job({"job": kind, "kind": kind, "spec": spec}), events.append, debug=debug)
    if outcome.error is not None:
        raise outcome.error
    summary: Event = events[-1]["summary"]
    return summary


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
