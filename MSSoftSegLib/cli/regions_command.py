"""``regions``: where the lesions of any mask lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.cli.job_commands import finish, run_job


def regions(
    mask: Annotated[Path, typer.Option("--mask", help="lesion mask of any tool or rater, on an image of the exam")],
    exam: Annotated[
        Path, typer.Option("--exam", help="exam folder, or the folder of a finished segment or preprocess")
    ],
    out: options.Out,
    own: Annotated[
        Path | None, typer.Option("--regions", help="a segmentation of your own, used instead of the atlas")
    ] = None,
    scheme: Annotated[
        str | None, typer.Option("--scheme", help="whose numbers --regions has: freesurfer, synthseg or custom")
    ] = None,
    region_numbers: Annotated[
        Path | None,
        typer.Option(
            "--region-numbers", help='for custom: JSON such as {"cortex": [3, 42], "lateral_ventricle": [4, 43]}'
        ),
    ] = None,
    instances: Annotated[
        str, typer.Option("--instances", help="components, or split: confluent lesions cut at their necks")
    ] = "components",
    spinal_cord: Annotated[
        str, typer.Option("--spinal-cord", help="affected, not-affected or not-entered: a brain exam does not show it")
    ] = "not-entered",
    optic_nerve: Annotated[
        str, typer.Option("--optic-nerve", help="affected, not-affected or not-entered: a brain exam does not judge it")
    ] = "not-entered",
    brain: options.Brain = "auto",
    overwrite: options.Overwrite = False,
    cache: options.UseCache = True,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Say where the lesions of a mask lie: places, distances, longest axis, dissemination in space (research use only).

    Example: mssoftseg regions --mask MASK.nii.gz --exam EXAM_FOLDER --out PLACES
    """
    spec = {
        "mask": mask,
        "exam": {"folder": exam},
        "labels": own,
        "scheme": scheme,
        "region_numbers": region_numbers,
        "instances": instances,
        "spinal_cord": spinal_cord,
        "optic_nerve": optic_nerve,
        "preprocessing": {"brain": brain},
        "out": out,
        "overwrite": overwrite,
        "use_cache": cache,
    }
    finish(run_job("regions", spec, json_events=json_events, debug=debug), json_events=json_events)
    if not json_events:
        facts = json.loads((out / "regions.json").read_text(encoding="utf-8"))
        counted = ", ".join(f"{count} {place.replace('_', ' ')}" for place, count in facts["count_by_place"].items())
        say(f"{facts['lesions']} lesions: {counted}; {facts['statement']}")
