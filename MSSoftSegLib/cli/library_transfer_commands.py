"""``mssoftseg library import`` and ``export``: data sets in other people's layouts."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated, cast

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say, say_error, shown
from MSSoftSegLib.cli.job_commands import interruptible
from MSSoftSegLib.errors import BadLibrary, JobCancelled, MSSoftSegError, RequestError
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.run import failed_event
from MSSoftSegLib.library.case_record import STATUSES, Status
from MSSoftSegLib.library.exporting.bids import export_bids
from MSSoftSegLib.library.exporting.isbi_submission import export_isbi_submission
from MSSoftSegLib.library.exporting.monai_datalist import export_datalist
from MSSoftSegLib.library.exporting.nnunet import export_nnunet
from MSSoftSegLib.library.importing.run import IMPORT_FORMATS, Imported, ImportFormat, import_cases
from MSSoftSegLib.library.reading import check_is_library

EXPORT_FORMATS = ("bids", "nnunet", "monai-datalist", "isbi-submission")
Library = Annotated[Path, typer.Argument(metavar="DIR", help="the case library's folder")]


def status_named(name: str) -> Status:
    """The status that a user typed."""
    if name not in STATUSES:
        raise RequestError(f"{name!r} is not a status", remedy=f"choose from {', '.join(STATUSES)}")
    return name


def import_data_set(
    library: Library,
    source: Annotated[Path, typer.Option("--from", help="the data set's folder")],
    format: Annotated[str, typer.Option("--format", help=", ".join(IMPORT_FORMATS))],
    status: Annotated[str, typer.Option("--status", help="of labelled cases")] = "approved",
    label: Annotated[
        list[int] | None, typer.Option("--label", help="label that counts as lesion; may be repeated (default: all)")
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
    """Add the cases of a data set; exit code 2 when one cannot be. Existing equal cases stay.

    Example: mssoftseg library import LIBRARY --format isbi2015 --from UNPACKED_FOLDER
    """
    if format not in IMPORT_FORMATS:
        raise RequestError(f"{format!r} is no format to import", remedy=f"choose from {', '.join(IMPORT_FORMATS)}")
    name = uuid.uuid4().hex[:12]
    with shown(json_events=json_events) as emit, interruptible() as cancelled:
        reporter = Reporter(name, {"importing": 1.0}, emit, cancelled)
        reporter.started("library-import")
        try:
            imported = import_cases(
                library,
                source,
                cast("ImportFormat", format),
                status=status_named(status),
                labels=label or (),
                as_flair=as_flair,
                preprocessed=preprocessed,
                progress=lambda fraction, case: reporter.progress("importing", fraction, case),
            )
            _conclude(imported, library, reporter, emit)
        except (JobCancelled, KeyboardInterrupt):
            emit({"event": "cancelled", "job": name})
            raise JobCancelled from None
        except MSSoftSegError as problem:
            emit(failed_event(name, problem))
            raise
    if not json_events:
        say(f"cases in {library.name} now: {len(imported.cases)}")


def _conclude(imported: Imported, library: Path, reporter: Reporter, emit: Emit) -> None:
    """A result, or what could not be imported."""
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
    rater: Annotated[
        str | None, typer.Option("--rater", help="nnunet: whose masks (default: the first by name)")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option("--predictions", help="isbi-submission: folder of masks or results, one a test visit")
    ] = None,
    team: Annotated[str | None, typer.Option("--team", help="isbi-submission: the team's name")] = None,
    debug: options.Debug = False,
) -> None:
    """Write cases in another tool's layout, complete or not at all.

    Example: mssoftseg library export LIBRARY --format nnunet --out FOLDER
    """
    check_is_library(library)
    statuses = [status_named(each) for each in status or ["approved"]]
    if format == "isbi-submission":
        if predictions is None or team is None:
            raise RequestError("a submission needs predictions and a team", remedy="give --predictions and --team")
        count = len(export_isbi_submission(library, out, predictions=predictions, team=team))
    elif format == "bids":
        count = len(export_bids(library, out, statuses=statuses))
    elif format == "nnunet":
        count = len(export_nnunet(library, out, statuses=statuses, rater=rater))
    elif format == "monai-datalist":
        count = len(export_datalist(library, out, statuses=statuses))
    else:
        raise RequestError(f"{format!r} is no format to export", remedy=f"choose from {', '.join(EXPORT_FORMATS)}")
    say(f"cases in {out.name}: {count}")
