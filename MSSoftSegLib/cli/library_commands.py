"""``mssoftseg library``: the curated cases, and other people's data sets in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer
from rich.console import Console
from rich.table import Table

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say, say_error
from MSSoftSegLib.cli.library_rater_commands import agreement, merge
from MSSoftSegLib.cli.library_transfer_commands import export_cases, import_data_set, parse_status
from MSSoftSegLib.dicom.choice import describe_choice
from MSSoftSegLib.dicom.reading import read_dicom_exam
from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import find_exam, find_misnamed
from MSSoftSegLib.jobs.library.findings import label_name, read_findings_of_case
from MSSoftSegLib.jobs.softmask.soft_label_sidecar import read_softening
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.case_record import format_record
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.intake import Source
from MSSoftSegLib.library.layout import CaseId, check_id, parse_case
from MSSoftSegLib.library.reading import check_is_library, find_case, read_case, read_library
from MSSoftSegLib.library.status import set_status
from MSSoftSegLib.library.worklist import Order, make_row, read_all, sort_rows
from MSSoftSegLib.library.writing import add_case
from MSSoftSegLib.result_files import PROBABILITY_FILE

ORDERS: tuple[str, ...] = get_args(Order)
app = typer.Typer(
    help="Curated cases: init, add, list, show, history, set-status, agreement, merge, import, export, check."
)
app.command("import")(import_data_set)
app.command("export")(export_cases)
app.command("agreement")(agreement)
app.command("merge")(merge)

Library = Annotated[Path, typer.Argument(metavar="DIR", help="the case library's folder")]
CaseName = Annotated[str, typer.Argument(metavar="CASE", help="sub-01_ses-02, 01/02, or 01")]


@app.command("init")
def init(
    library: Library,
    name: Annotated[str, typer.Option("--name", help="what the library is called")] = "MS lesion cases",
) -> None:
    """Make an empty case library. Example: mssoftseg library init LIBRARY"""
    create_library(library, name=name)
    say(str(library))


@app.command("add")
def add(
    library: Library,
    patient: Annotated[str, typer.Option("--id", help="patient's id: letters and digits, never a name")],
    session: Annotated[str | None, typer.Option("--session", help="visit's id")] = None,
    flair: options.Flair = None,
    t1: options.T1 = None,
    t2: options.T2 = None,
    pd: Annotated[Path | None, typer.Option("--pd", help="proton-density image")] = None,
    exam: options.ExamFolder = None,
    dicom: options.DicomFolder = None,
    series: options.Series = None,
    yes: options.TakeBest = False,
    mask: Annotated[
        list[Path] | None,
        typer.Option("--mask", help="label map on FLAIR's grid: 1 lesion, 2 possible; may be repeated"),
    ] = None,
    rater: Annotated[list[str] | None, typer.Option("--rater", help="who drew it; one for each --mask")] = None,
    soft_label: Annotated[Path | None, typer.Option("--soft-label", help="soft mask, 0–1, on FLAIR's grid")] = None,
    soft_label_name: Annotated[str, typer.Option("--soft-label-name", help="its name in the library")] = "soft",
    confidence: Annotated[Path | None, typer.Option("--confidence", help="weight of its voxels, 0–1")] = None,
    status: Annotated[
        str | None, typer.Option("--status", help="unlabelled, segmented, corrected, approved or excluded")
    ] = None,
    preprocessed: Annotated[
        bool | None,
        typer.Option("--preprocessed/--native", help="images are aligned, bias-corrected and brain-extracted already"),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="model whose mask was the start")] = None,
    edited_from: Annotated[
        Path | None, typer.Option("--edited-from", help="mask that the rater started from, to count edits")
    ] = None,
    result: Annotated[
        Path | None,
        typer.Option(
            "--result",
            help="folder of segment on this exam: keeps how unsure the model was; without a mask its probability map too",
        ),
    ] = None,
    notes: Annotated[
        str | None,
        typer.Option("--notes", help="the rater's free text; it must not name the patient, for it is kept as it is"),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="replace labels that are there and differ; a replaced mask is kept in earlier/"),
    ] = False,
    debug: options.Debug = False,
) -> None:
    """Add a case, or labels to one, or what a model found in it.

    Example: mssoftseg library add LIBRARY --id 01 --flair F.nii.gz --mask M.nii.gz --rater A --result RESULT_FOLDER
    """
    named = {Modality.FLAIR: flair, Modality.T1: t1, Modality.T2: t2, Modality.PD: pd}
    if dicom is not None or series:
        images = _images_of_dicom(dicom, series, yes, [exam, *named.values()])
    else:
        images = _images(exam, yes, named)
    findings = None
    if result is not None:
        findings = read_findings_of_case(result, library, CaseId(patient, session), images.get(Modality.FLAIR))
        model = model or findings.model
        if not mask and soft_label is None and not _is_labeled(library, CaseId(patient, session)):
            soft_label, soft_label_name = result / PROBABILITY_FILE, label_name(findings.model)
    if notes is not None and not mask:
        raise RequestError("notes are a rater's", remedy="give --mask and --rater with them")
    change = CaseChange(
        CaseId(patient, session),
        images=images,
        raters=_raters(mask or [], rater or []),
        soft_label=soft_label,
        soft_label_name=soft_label_name,
        notes=notes,
        findings=findings,
        softening=None if soft_label is None else read_softening(soft_label)[0],
        confidence=confidence,
        status=None if status is None else parse_status(status),
        preprocessed=preprocessed,
        source_model=model,
        edited_from=edited_from,
    )
    record = add_case(library, change, replace=replace)
    say(f"{record.case_id} {record.status}")


@app.command("list")
def list_cases(
    library: Library,
    status: Annotated[list[str] | None, typer.Option("--status", help="only these; may be repeated")] = None,
    order: Annotated[
        str,
        typer.Option("--order", help="case, status, or uncertainty: first what nobody approved and the model doubts"),
    ] = "case",
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """List the cases with status, raters and images. Example: mssoftseg library list LIBRARY --order uncertainty"""
    if order not in ORDERS:
        raise RequestError(f"{order!r} is no order", remedy=f"choose from {', '.join(ORDERS)}")
    wanted = [parse_status(each) for each in status or []]
    records, problems = read_all(library)
    chosen = [record for record in records if not wanted or record.status in wanted]
    rows = [make_row(record) for record in sort_rows(chosen, cast("Order", order))]
    if as_json:
        Console(soft_wrap=True).print_json(data=rows)
    else:
        _print_table(rows)
    if problems:
        raise next(iter(problems.values()))


def _print_table(rows: list[dict[str, Any]]) -> None:
    table = Table("case", "status", "images", "raters", "soft label", "PSU", "worst lesion", box=None)
    for row in rows:
        doubts = ("–" if value is None else f"{value:.2f}" for value in (row["psu"], row["worst_lesion_lsu"]))
        labels = (" ".join(row["raters"]) or "–", row["soft_label"] or "–")
        table.add_row(row["case"], row["status"], " ".join(row["images"]), *labels, *doubts)
    # A pipe has no width to fit into.
    console = Console()
    console = console if console.is_terminal else Console(width=200)
    console.print(table)
    say(f"cases: {len(rows)}, patients: {len({row['patient'] for row in rows})}")


@app.command("show")
def show(library: Library, case: CaseName) -> None:
    """Print all that is known of a case, as JSON. Example: mssoftseg library show LIBRARY sub-01_ses-02"""
    check_is_library(library)
    say(format_record(read_case(library, parse_case(case))).rstrip())


@app.command("history")
def history(
    library: Library,
    case: Annotated[str | None, typer.Argument(metavar="[CASE]", help="one case; without it all of them")] = None,
) -> None:
    """Who did what when, one line a change. Example: mssoftseg library history LIBRARY sub-01_ses-02"""
    check_is_library(library)
    records = read_library(library) if case is None else [read_case(library, parse_case(case))]
    entries = [(entry, record.case_id) for record in records for entry in record.history]
    for entry, name in sorted(entries, key=lambda each: each[0].time):
        say(f"{entry.time.isoformat()} {name} {entry.by or '–'}: {entry.change}")


@app.command("set-status")
def change_status(
    library: Library,
    case: CaseName,
    status: Annotated[str, typer.Argument(help="unlabelled, segmented, corrected, approved or excluded")],
    rater: Annotated[str | None, typer.Option("--rater", help="who says so; goes into the case's history")] = None,
) -> None:
    """Give a case another status. Example: mssoftseg library set-status LIBRARY sub-01 approved"""
    if rater is not None:
        check_id(rater, "rater name")
    record = set_status(library, parse_case(case), parse_status(status), by=rater)
    say(f"{record.case_id} {record.status}")


@app.command("check")
def check(library: Library, debug: options.Debug = False) -> None:
    """Name damaged, missing and foreign files; exit code 2 when there is one. Example: mssoftseg library check LIBRARY"""
    findings = check_library(library)
    for finding in findings:
        say(str(finding))
    if findings:
        raise BadLibrary(
            f"{len(findings)} findings in {library.name}",
            remedy="restore damaged and missing files from a backup, move foreign ones elsewhere",
        )
    say(f"cases: {len(read_library(library))}, all files as recorded")


def _images_of_dicom(
    folder: Path | None, series: list[str] | None, take_best: bool, others: list[Path | None]
) -> dict[Modality, Source]:
    wanted = {Modality(word): value for word, value in options.parse_series_by_modality(series).items()}
    if folder is None:
        raise RequestError("--series chooses among the series of a DICOM folder", remedy="give --dicom FOLDER")
    if any(other is not None for other in others):
        raise RequestError("both a DICOM folder and other images are given", remedy="give one or the other")
    found = read_dicom_exam(folder, wanted, take_best=take_best)
    for line in describe_choice(found.choice):
        say_error(line)
    return {modality: entry.image for modality, entry in found.exam.images.items()}


def _images(exam: Path | None, take_best: bool, named: dict[Modality, Path | None]) -> dict[Modality, Source]:
    files = {modality: path for modality, path in named.items() if path is not None}
    if exam is not None and files:
        raise RequestError("both an exam folder and single images are given", remedy="give one or the other")
    if exam is None:
        for doubt in find_misnamed(files):
            say_error(doubt)
        return dict(files)
    found = find_exam(exam, take_best=take_best)
    for ignored in found.ignored:
        say_error(f"{ignored.file_name}: not used ({ignored.reason})")
    return dict(found.chosen)


def _raters(masks: list[Path], raters: list[str]) -> dict[str, Path]:
    if len(masks) != len(raters):
        raise RequestError(
            f"there are {len(masks)} masks and {len(raters)} raters", remedy="give one --rater for each --mask"
        )
    if len(set(raters)) < len(raters):
        raise RequestError("two masks are of one rater", remedy="give each rater once")
    return dict(zip(raters, masks, strict=True))


def _is_labeled(library: Path, case: CaseId) -> bool:
    check_is_library(library)
    record = find_case(library, case)
    return record is not None and record.is_labeled
