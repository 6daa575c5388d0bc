"""``mssoftseg library import`` and ``export``: data sets in other people's layouts."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say, say_error, show_events
from MSSoftSegLib.cli.job_commands import watch_for_interrupt
from MSSoftSegLib.errors import BadLibrary, JobCancelled, MSSoftSegError, RequestError
from MSSoftSegLib.jobs.documents.library.export import EXPORT_FORMATS
from MSSoftSegLib.jobs.events import Emit, Event, Reporter, send_logs_as_events
from MSSoftSegLib.jobs.run import make_failed_event, parse_job, run
from MSSoftSegLib.library.case_record import STATUSES, Status
from MSSoftSegLib.library.importing.choices import Choices
from MSSoftSegLib.library.importing.run import IMPORT_FORMATS, Imported, ImportFormat, import_cases
from MSSoftSegLib.library.visits import Visits

VISITS: tuple[str, ...] = get_args(Visits)
Library = Annotated[Path, typer.Argument(metavar="DIR", help="the case library's folder")]


def parse_status(name: str) -> Status:
    """The status that a user typed."""
    if name not in STATUSES:
        raise RequestError(f"{name!r} is not a status", remedy=f"choose from {', '.join(STATUSES)}")
    return name


def import_data_set(
    library: Library,
    source: Annotated[Path, typer.Option("--from", help="the data set's folder")],
    format: Annotated[str, typer.Option("--format", help=", ".join(IMPORT_FORMATS))],
    status: Annotated[
        str | None,
        typer.Option("--status", help="of labelled cases (default: approved; of our own exports what they were)"),
    ] = None,
    label: Annotated[
        list[int] | None, typer.Option("--label", help="label that counts as lesion; may be repeated (default: all)")
    ] = None,
    possible: Annotated[
        list[int] | None, typer.Option("--possible", help="label that counts as possible lesion; may be repeated")
    ] = None,
    visits: Annotated[
        str | None,
        typer.Option(
            "--visits", help="by-name: names tell of visits of one patient; none: every case is another patient"
        ),
    ] = None,
    as_flair: Annotated[
        str | None,
        typer.Option(
            "--as-flair", help="channel in FLAIR's place, by number or name; a CT becomes a window of the body"
        ),
    ] = None,
    preprocessed: Annotated[
        bool | None, typer.Option("--preprocessed/--native", help="what the images are (default: as the format has it)")
    ] = None,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Add the cases of a data set; exit code 2 when one cannot be, though all others are. Existing equal cases stay.

    Example: mssoftseg library import LIBRARY --format isbi2015 --from UNPACKED_FOLDER
    """
    if format not in IMPORT_FORMATS:
        raise RequestError(f"{format!r} is no format to import", remedy=f"choose from {', '.join(IMPORT_FORMATS)}")
    if visits not in (None, *VISITS):
        raise RequestError(f"{visits!r} says nothing about visits", remedy=f"choose from {', '.join(VISITS)}")
    choices = Choices(tuple(label or ()), tuple(possible or ()), as_flair, cast("Visits | None", visits))
    name = uuid.uuid4().hex[:12]
    with (
        show_events(json_events=json_events) as emit,
        watch_for_interrupt() as cancelled,
        send_logs_as_events(name, emit),
    ):
        reporter = Reporter(name, {"importing": 1.0}, emit, cancelled)
        reporter.started("library-import")
        try:
            imported = import_cases(
                library,
                source,
                cast("ImportFormat", format),
                status=None if status is None else parse_status(status),
                choices=choices,
                preprocessed=preprocessed,
                progress=lambda fraction, case: reporter.progress("importing", fraction, case),
            )
            _conclude(imported, library, reporter, emit)
        except (JobCancelled, KeyboardInterrupt):
            emit({"event": "cancelled", "job": name})
            raise JobCancelled from None
        except MSSoftSegError as problem:
            emit(make_failed_event(name, problem))
            raise
    if not json_events:
        say(f"cases in {library.name} now: {len(imported.cases)}")


def _conclude(imported: Imported, library: Path, reporter: Reporter, emit: Emit) -> None:
    """A result, or what could not be imported."""
    for note in imported.notes:
        emit({"event": "log", "job": reporter.job, "level": "warning", "message": note})
    for case, problem in imported.problems.items():
        say_error(f"{case}: {problem}")
    if imported.problems:
        count, done = len(imported.problems), len(imported.cases)
        raise BadLibrary(
            f"{count} cases could not be imported ({done} were): {', '.join(imported.problems)}",
            remedy="mend them and import again: what is there already stays",
        )
    reporter.progress("importing", 1.0)
    reporter.result(library.name, {"cases": len(imported.cases)})


def export_cases(
    library: Library,
    out: Annotated[Path, typer.Option("--out", help="folder (monai-datalist: .json file) to create")],
    format: Annotated[str, typer.Option("--format", help=", ".join(EXPORT_FORMATS))],
    status: Annotated[
        list[str] | None, typer.Option("--status", help="which cases; may be repeated (default: approved)")
    ] = None,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="only this case, whatever its status; may be repeated")
    ] = None,
    rater: Annotated[
        str | None, typer.Option("--rater", help="whose masks (default: every rater's; nnunet: the first by name)")
    ] = None,
    merge: Annotated[
        str | None, typer.Option("--merge", help="raters as one mask: intersection, union, soft-union or mean")
    ] = None,
    soft_method: Annotated[
        str | None,
        typer.Option("--soft-method", help="makes a soft mask where none is stored; methods as of softmask"),
    ] = None,
    soft_merge: Annotated[
        str | None, typer.Option("--soft-merge", help="how raters are merged before --soft-method")
    ] = None,
    gamma: Annotated[float | None, typer.Option("--gamma", help="of --soft-method")] = None,
    radius_mm: Annotated[float | None, typer.Option("--radius-mm", help="of --soft-method")] = None,
    size_percent: Annotated[float | None, typer.Option("--size-percent", help="of --soft-method")] = None,
    sigma_mm: Annotated[float | None, typer.Option("--sigma-mm", help="of --soft-method")] = None,
    dicom: Annotated[
        Path | None, typer.Option("--dicom", help="dicom-seg: folder with the series that the case's FLAIR came from")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option("--predictions", help="isbi-submission: folder of masks or results, one a test visit")
    ] = None,
    team: Annotated[str | None, typer.Option("--team", help="isbi-submission: the team's name")] = None,
    overwrite: options.Overwrite = False,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Write cases in another tool's layout, complete or not at all.

    Example: mssoftseg library export LIBRARY --format nnunet --out FOLDER
    """
    if format not in EXPORT_FORMATS:
        raise RequestError(f"{format!r} is no format to export", remedy=f"choose from {', '.join(EXPORT_FORMATS)}")
    softening = {
        "merge": soft_merge,
        "method": soft_method,
        "gamma": gamma,
        "radius_mm": radius_mm,
        "size_percent": size_percent,
        "sigma_mm": sigma_mm,
    }
    given = {key: value for key, value in softening.items() if value is not None}
    spec = {
        "library": library,
        "format": format,
        "out": out,
        "statuses": [parse_status(each) for each in status or ["approved"]],
        "cases": case or (),
        "rater": rater,
        "merge": merge,
        "soft_label": given or None,
        "dicom": dicom,
        "predictions": predictions,
        "team": team,
        "overwrite": overwrite,
    }
    summary = _exported(spec, json_events=json_events, debug=debug)
    if not json_events:
        say(f"cases in {out.name}: {summary['cases']}, files: {summary['files']}")


def _exported(spec: dict[str, Any], *, json_events: bool, debug: bool) -> dict[str, Any]:
    """Run the export; what its result event said."""
    name = uuid.uuid4().hex[:12]
    summary: dict[str, Any] = {}
    with show_events(json_events=json_events) as emit, watch_for_interrupt() as interrupted:

        def listen(event: Event) -> None:
            summary.update(event.get("summary") or {})
            emit(event)

        try:
            job = parse_job({"job": name, "kind": "library-export", "spec": spec})
        except RequestError as problem:
            emit(make_failed_event(name, problem))
            raise
        outcome = run(job, listen, cancelled=interrupted, debug=debug)
    if outcome.error is not None:
        raise outcome.error
    return summary
