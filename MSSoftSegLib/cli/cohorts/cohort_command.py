"""``cohort``: every exam of a table, a folder, a BIDS data set or a case library, and one table of all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, cast

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.cohorts.cohort_running import compare_visits_of, parse_part, raise_failures, segment_all
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.cohort.engine.job_array import make_slurm_script
from MSSoftSegLib.cohort.exam_folders import find_exams
from MSSoftSegLib.cohort.exam_list import CohortExam, select_part
from MSSoftSegLib.cohort.group.writing import write_group
from MSSoftSegLib.cohort.places import GROUP_PAGE, TOOLS_TABLE
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.cohort.tools.comparing import compare_tools
from MSSoftSegLib.cohort.tools.fusing import FUSIONS, Fusion
from MSSoftSegLib.cohort.tools.layouts import ToolSource, parse_source
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.network.catalog import find_default_model
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.segmenting.choices import SegmentChoices


def cohort(
    source: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="table (.csv), folder of exam folders, BIDS data set or case library"),
    ],
    out: Annotated[Path, typer.Option("--out", help="folder of the cohort's results; complete ones in it are kept")],
    model: Annotated[str | None, typer.Option("--model", help="name or folder (default: models list)")] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps")] = "auto",
    brain: options.Brain = "auto",
    preprocessed: Annotated[
        bool, typer.Option("--preprocessed", help="the images are aligned, corrected and brain-extracted, on one grid")
    ] = False,
    tta: Annotated[str | None, typer.Option("--tta", help="flips8 or none (default: the model's)")] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="probability (default: the model's)")] = None,
    keep_working: Annotated[bool, typer.Option("--keep-working", help="keep the preprocessed images too")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="exams at a time (default: as memory and cores allow)")
    ] = None,
    cluster: Annotated[
        Path | None, typer.Option("--cluster", help="YAML file: workers as jobs of SLURM, PBS, LSF … (Docs/cohorts.md)")
    ] = None,
    part: Annotated[str | None, typer.Option("--part", help="only this part of the exams, as 3/20")] = None,
    tables_only: Annotated[bool, typer.Option("--tables-only", help="segment nothing, write tables and page")] = False,
    tool: Annotated[
        list[str] | None,
        typer.Option("--from", help="NAME=FOLDER, may be repeated: another tool's results (Docs/cohorts.md section 6)"),
    ] = None,
    fusion: Annotated[
        str | None, typer.Option("--fuse", help="one answer of ours and the tools': soft-vote or staple")
    ] = None,
    print_slurm_array: Annotated[
        bool, typer.Option("--print-slurm-array", help="print a job script and do nothing")
    ] = False,
    cache: options.UseCache = False,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Segment many exams and write one table of them, skipping what is complete (research use only).

    Example: mssoftseg cohort COHORT.csv --out RESULTS
    """
    tools = [parse_source(each) for each in tool or ()]
    fused = _fusion(fusion, tools)
    exams = find_exams(source)
    if print_slurm_array:
        say(_script(source, out, exams).rstrip())
        return
    settings = make_cohort_settings(
        model=model,
        device=device,
        brain=brain,
        preprocessed=preprocessed,
        tta=tta,
        threshold=threshold,
        keep_working=keep_working,
        cache=cache,
    )
    asked = exams if part is None else select_part(exams, *parse_part(part))
    outcome = None
    if asked and not tables_only:
        outcome = segment_all(
            asked, out, settings, workers=workers, cluster=cluster, json_events=json_events, debug=debug
        )
    if not tables_only:
        compare_visits_of(asked, exams, out)
    if part is None and (tables_only or outcome is None or len(outcome.failures) < len(asked)):
        write_group(out, exams)
        if not json_events:
            say(str(out / GROUP_PAGE))
    if tools:
        problems = compare_tools(exams, out, tools, fusion=fused)
        if not json_events:
            say(
                f"{out / TOOLS_TABLE}"
                + (f" ({problems} answers are missing, each with its reason)" if problems else "")
            )
    if outcome is not None:
        raise_failures(outcome, len(asked))


def _fusion(name: str | None, tools: list[ToolSource]) -> Fusion | None:
    if name is not None and name not in FUSIONS:
        raise RequestError(f"{name!r} is no way to fuse", remedy=f"choose from {', '.join(FUSIONS)}")
    if name is not None and not tools:
        raise RequestError("--fuse needs another tool's results", remedy="add --from NAME=FOLDER")
    return cast("Fusion | None", name)


def make_cohort_settings(
    *,
    model: str | None,
    device: str,
    brain: str,
    tta: str | None,
    threshold: float | None,
    keep_working: bool,
    preprocessed: bool = False,
    cache: bool = False,
) -> CohortSettings:
    """What was asked of every exam; RequestError names the first option that does not hold."""
    from pydantic import ValidationError

    try:
        choices = SegmentChoices.model_validate(
            {
                "preprocessing": PreprocessingSettings(brain=brain),
                "preprocessed": preprocessed,
                "tta": tta,
                "threshold": threshold,
                "use_cache": cache,
            }
        )
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RequestError(f"{field}: {first['msg']}", remedy="see --help for what is accepted") from None
    return CohortSettings(
        model=find_default_model() if model is None else model,
        choices=choices,
        device=device,
        keep_working=keep_working,
    )


def _script(source: Path, out: Path, exams: tuple[CohortExam, ...]) -> str:
    """The job script that does what this command line asks for."""
    given = [each for each in sys.argv[1:] if each != "--print-slurm-array"]
    absolute = [str(Path(each).resolve()) if each in (str(source), str(out)) else each for each in given]
    places = ["mssoftseg", "cohort", str(source.resolve()), "--out", str(out.resolve())]
    return make_slurm_script(["mssoftseg", *absolute, "--workers", "1"], [*places, "--tables-only"], exams=len(exams))
