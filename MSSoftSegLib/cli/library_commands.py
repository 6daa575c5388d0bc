"""``mssoftseg library``: the curated cases, and other people's data sets in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.cli.library_transfer_commands import export_cases, import_data_set, status_named
from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import find_exam
from MSSoftSegLib.library.case_record import CaseRecord, record_text
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.layout import parse_case
from MSSoftSegLib.library.reading import check_is_library, read_case, read_library
from MSSoftSegLib.library.status import set_status
from MSSoftSegLib.library.writing import add_case

app = typer.Typer(help="Curated cases: init, add, list, show, set-status, import, export, check.")
app.command("import")(import_data_set)
app.command("export")(export_cases)

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
    replace: Annotated[bool, typer.Option("--replace", help="replace labels that are there and differ")] = False,
    debug: options.Debug = False,
) -> None:
    """Add a case, or labels to one. Example: mssoftseg library add LIBRARY --id 01 --flair F.nii.gz --mask M.nii.gz --rater A"""
    record = add_case(
        library,
        patient=patient,
        session=session,
        images=_images(exam, {Modality.FLAIR: flair, Modality.T1: t1, Modality.T2: t2, Modality.PD: pd}),
        raters=_raters(mask or [], rater or []),
        soft_label=soft_label,
        soft_label_name=soft_label_name,
        confidence=confidence,
        status=None if status is None else status_named(status),
        preprocessed=preprocessed,
        source_model=model,
        edited_from=edited_from,
        replace=replace,
    )
    say(f"{record.case_id} {record.status}")


@app.command("list")
def list_cases(
    library: Library,
    status: Annotated[list[str] | None, typer.Option("--status", help="only these; may be repeated")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """List the cases with status, raters and images. Example: mssoftseg library list LIBRARY"""
    wanted = [status_named(each) for each in status or []]
    records = [record for record in read_library(library) if not wanted or record.status in wanted]
    if as_json:
        Console(soft_wrap=True).print_json(data=[_row(record) for record in records])
        return
    table = Table("case", "status", "images", "raters", "soft label", box=None)
    for record in records:
        row = _row(record)
        table.add_row(
            row["case"],
            row["status"],
            " ".join(row["images"]),
            " ".join(row["raters"]) or "–",
            row["soft_label"] or "–",
        )
    # A pipe has no width to fit into.
    console = Console()
    console = console if console.is_terminal else Console(width=200)
    console.print(table)
    say(f"cases: {len(records)}, patients: {len({record.patient for record in records})}")


@app.command("show")
def show(library: Library, case: CaseName) -> None:
    """Print all that is known of a case, as JSON. Example: mssoftseg library show LIBRARY sub-01_ses-02"""
    check_is_library(library)
    say(record_text(read_case(library, parse_case(case))).rstrip())


@app.command("set-status")
def change_status(
    library: Library,
    case: CaseName,
    status: Annotated[str, typer.Argument(help="unlabelled, segmented, corrected, approved or excluded")],
) -> None:
    """Give a case another status. Example: mssoftseg library set-status LIBRARY sub-01 approved"""
    record = set_status(library, parse_case(case), status_named(status))
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


def _images(exam: Path | None, named: dict[Modality, Path | None]) -> dict[Modality, Path]:
    files = {modality: path for modality, path in named.items() if path is not None}
    if exam is not None and files:
        raise RequestError("both an exam folder and single images are given", remedy="give one or the other")
    return dict(find_exam(exam).chosen) if exam is not None else files


def _raters(masks: list[Path], raters: list[str]) -> dict[str, Path]:
    if len(masks) != len(raters):
        raise RequestError(
            f"there are {len(masks)} masks and {len(raters)} raters", remedy="give one --rater for each --mask"
        )
    if len(set(raters)) < len(raters):
        raise RequestError("two masks are of one rater", remedy="give each rater once")
    return dict(zip(raters, masks, strict=True))


def _row(record: CaseRecord) -> dict[str, Any]:
    return {
        "case": str(record.case_id),
        "patient": record.patient,
        "session": record.session,
        "status": record.status,
        "images": [str(modality) for modality in record.images],
        "raters": sorted(record.raters),
        "soft_label": None if record.soft_label is None else record.soft_label.name,
        "preprocessed": record.preprocessed,
    }
