"""``softmask``: rater masks to a soft mask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.cli.job_commands import finish, run_job
from MSSoftSegLib.jobs.softmask.softmask import name_sidecar


def softmask(
    rater: Annotated[
        list[Path],
        typer.Option("--rater", help="a rater's mask, 1 = lesion, 2 = possible lesion; repeat it for every rater"),
    ],
    out: Annotated[Path, typer.Option("--out", help="image file to write; its facts go beside it, ending in .json")],
    flair: Annotated[
        Path | None,
        typer.Option("--flair", help="FLAIR image on the raters' grid (needed by kats, barilan and voxelwise)"),
    ] = None,
    merge: Annotated[
        str | None,
        typer.Option("--merge", help="intersection, union, soft-union or mean; may be left out with one rater"),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", help="none (default), kats, barilan, voxelwise, gaussian, ramp or svls"),
    ] = None,
    gamma: Annotated[
        float | None,
        typer.Option("--gamma", help="value of shell, disagreement and possible lesion, 0 to 1 (default 0.5)"),
    ] = None,
    radius_mm: Annotated[
        float | None,
        typer.Option("--radius-mm", help="barilan and voxelwise: shell; ramp: half width (default 1)"),
    ] = None,
    size_percent: Annotated[
        float | None,
        typer.Option("--size-percent", help="kats: size of the grown mask in per cent of the core (default 120)"),
    ] = None,
    sigma_mm: Annotated[float | None, typer.Option("--sigma-mm", help="gaussian and svls: SD (default 1)")] = None,
    flair_threshold: Annotated[
        float | None,
        typer.Option(
            "--flair-threshold", help="kats: lowest FLAIR of the shell (default: mean − 1 SD over lesion voxels)"
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace the file once the new one is complete")
    ] = False,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Make a soft mask from the masks of one or more raters.

    Example: mssoftseg softmask --rater A.nii.gz --rater B.nii.gz --flair FLAIR.nii.gz --merge soft-union --method barilan
    --out SOFT.nii.gz
    """
    given = {
        "merge": merge,
        "method": method,
        "gamma": gamma,
        "radius_mm": radius_mm,
        "size_percent": size_percent,
        "sigma_mm": sigma_mm,
        "flair_threshold": flair_threshold,
    }
    softening = {key: value for key, value in given.items() if value is not None}
    spec = {"raters": rater, "flair": flair, "softening": softening, "out": out, "overwrite": overwrite}
    finish(run_job("softmask", spec, json_events=json_events, debug=debug), json_events=json_events)
    if not json_events:
        facts = json.loads(name_sidecar(out).read_text(encoding="utf-8"))
        say(
            f"soft volume {facts['soft_volume_ml']:.3f} mL, core {facts['core_volume_ml']:.3f} mL, "
            f"shell {facts['shell_voxels']} voxels ({facts['method_label']})"
        )
