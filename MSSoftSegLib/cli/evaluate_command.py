"""``evaluate``: how good predictions are, and whether one method is better than another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.cli.job_commands import finish, run_job
from MSSoftSegLib.cli.model_comparison_display import compare_models
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.network.bundle import DESCRIPTION_FILE
from MSSoftSegLib.network.catalog import find_installed

# Where a comparison goes that was given no --out.
COMPARISON_FOLDER = Path("comparison")
SHOWN = (
    *("dsc", "ppv", "tpr", "soft_dice", "ndsc", "hd95_mm", "assd_mm", "volume_difference_ml", "ltpr", "lfpr"),
    *("lesion_f1", "pq", "ece_brain", "ece_lesion", "brier", "r_aac", "error_auroc", "error_auroc_lesion"),
)


def evaluate(
    truth: Annotated[
        list[Path] | None, typer.Option("--truth", help="mask or soft mask (0-1); repeat it for every rater")
    ] = None,
    prediction: Annotated[Path | None, typer.Option("--prediction", help="predicted lesion mask")] = None,
    probability: Annotated[Path | None, typer.Option("--probability", help="predicted probability, 0-1")] = None,
    entropy: Annotated[Path | None, typer.Option("--entropy", help="entropy map (default: of the probability)")] = None,
    brain: Annotated[
        Path | None, typer.Option("--brain", help="brain mask; nDSC, calibration and uncertainty need it")
    ] = None,
    case: Annotated[str, typer.Option("--case", help="name of the case in the output")] = "1",
    table: Annotated[
        Path | None,
        typer.Option("--table", help="CSV: case, patient, truth, truth2 …, prediction, probability, entropy, brain"),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", help="two folders that evaluate wrote, or, with --library, two models: B against A"),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option("--library", help="with --compare of two models: labelled cases (library or datalist)"),
    ] = None,
    cases: Annotated[
        list[str] | None, typer.Option("--on-case", help="with --library: a case to compare on; may be repeated")
    ] = None,
    training: Annotated[
        Path | None, typer.Option("--run", help="with --library: MODEL.run of the new model, for the cases it held out")
    ] = None,
    base_patients: Annotated[
        int, typer.Option("--base-patients", help="with --library: digital patients that show what was forgotten")
    ] = 4,
    out: Annotated[
        Path | None, typer.Option("--out", help="folder to create (with --compare: comparison, unless given)")
    ] = None,
    connectivity: Annotated[
        int | None, typer.Option("--connectivity", help="what one lesion is: 26 (default), 18 or 6 neighbors")
    ] = None,
    min_lesion_voxels: Annotated[
        int | None, typer.Option("--min-lesion-voxels", help="lesion-wise measures leave out smaller ones (default 1)")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="makes a mask of the probability without a prediction (default 0.5)"),
    ] = None,
    possible: Annotated[
        str | None, typer.Option("--possible", help="label 2 of a truth counts as lesion (default) or background")
    ] = None,
    overwrite: options.Overwrite = False,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Measure predictions against the truth, or compare two such results, or two models on labelled cases.

    Example: mssoftseg evaluate --truth RATER1.nii.gz --truth RATER2.nii.gz --prediction MASK.nii.gz --out METRICS_FOLDER
    """
    files = {"prediction": prediction, "probability": probability, "entropy": entropy, "brain": brain, "table": table}
    measuring = {
        "connectivity": connectivity,
        "min_lesion_voxels": min_lesion_voxels,
        "threshold": threshold,
        "possible": possible,
    }
    given = {key: value for key, value in {**files, **measuring}.items() if value is not None}
    if library is None and (cases or training is not None):
        raise RequestError("which library the cases are in is not said", remedy="give --library and --compare OLD NEW")
    if library is not None:
        if compare is None or given or truth:
            raise RequestError(
                "--library compares two models, and goes with nothing else", remedy="give --compare OLD NEW and --out"
            )
        chosen = {"cases": cases or [], "run": training, "base_patients": base_patients}
        judged = {"library": library, **chosen, "overwrite": overwrite}
        compare_models(compare, out or COMPARISON_FOLDER, judged, json_events=json_events, debug=debug)
        return
    if compare is not None:
        _compare(compare, out, {**given, **({"truth": truth} if truth else {})}, overwrite, json_events, debug)
        return
    if out is None:
        raise RequestError("there is nowhere to write to", remedy="give --out FOLDER")
    spec = {**given, "truth": truth or [], "case": case, "out": out, "overwrite": overwrite}
    finish(run_job("evaluate", spec, json_events=json_events, debug=debug), json_events=json_events)
    if not json_events:
        _show_summary(json.loads((out / "metrics.json").read_text(encoding="utf-8"))["summary"])


def _compare(
    folders: tuple[Path, Path],
    out: Path | None,
    given: dict[str, Any],
    overwrite: bool,
    json_events: bool,
    debug: bool,
) -> None:
    if given:
        option = "--" + next(iter(given)).replace("_", "-")
        raise RequestError(f"{option} does not go with --compare", remedy="give the two folders and --out only")
    models = [path.name for path in folders if str(path) in find_installed() or (path / DESCRIPTION_FILE).is_file()]
    if models:
        raise RequestError(
            f"{models[0]} is a model", remedy="say on which labelled cases models are compared: --library"
        )
    target = COMPARISON_FOLDER if out is None else out
    spec = {"first": folders[0], "second": folders[1], "out": target, "overwrite": overwrite}
    finish(run_job("compare", spec, json_events=json_events, debug=debug), json_events=json_events)
    if not json_events:
        _show_comparison(json.loads((target / "comparison.json").read_text(encoding="utf-8")))


def _show_summary(summary: dict[str, Any]) -> None:
    table = Table(_names(), "mean", "95 % interval", "n", box=None)
    for name in SHOWN:
        mean, digits = summary["means"][name], _digits(name)
        if mean["n"]:
            table.add_row(name, _number(mean["mean"], digits), _interval(mean, digits), str(mean["n"]))
    Console().print(table)
    say(f"VC {_number(summary['vc'], 3)}, ISBI-equivalent {_number(summary['isbi_equivalent'], 2)}")


def _show_comparison(facts: dict[str, Any]) -> None:
    table = Table(_names(), "A", "B", "B − A", "95 % interval", "n", "Wilcoxon p", box=None)
    for name in SHOWN:
        found, digits = facts["measures"][name], _digits(name)
        if found["n"]:
            means = [_number(found[key], digits) for key in ("first_mean", "second_mean")]
            difference, p = found["difference"], found["wilcoxon_p"]
            moved = f"{difference['mean']:+.{digits}f}"
            shown_p = "–" if p is None else f"{p:.2g}"
            table.add_row(name, *means, moved, _interval(difference, digits), str(found["n"]), shown_p)
    Console().print(table)


def _names() -> Column:
    """The column of names, whole also on a narrow terminal."""
    return Column("measure", no_wrap=True, min_width=max(len(name) for name in SHOWN))


def _digits(name: str) -> int:
    """Errors of probability are small numbers in a brain that is mostly healthy."""
    return 4 if name.startswith(("ece", "brier", "r_aac")) else 3


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _interval(mean: dict[str, float | None], digits: int) -> str:
    return "–" if mean["low"] is None else f"{_number(mean['low'], digits)} to {_number(mean['high'], digits)}"
