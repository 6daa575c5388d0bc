"""``dicom``: what a folder from a scanner or an archive holds, and what would be taken of it. Nothing is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import say
from MSSoftSegLib.dicom.choice import choose, describe_choice, describe_volume
from MSSoftSegLib.dicom.packages import require_dicom
from MSSoftSegLib.dicom.parts import split_series
from MSSoftSegLib.dicom.visits import read_visits
from MSSoftSegLib.exam.modality import Modality


def dicom(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="folder of DICOM files, in any order and depth")],
    series: options.Series = None,
    yes: options.TakeBest = False,
    debug: options.Debug = False,
) -> None:
    """List the series of a DICOM folder, and say which would be taken as FLAIR, T1 and T2, and why.

    Example: mssoftseg dicom FOLDER
    """
    require_dicom()
    wanted = {Modality(word): value for word, value in options.parse_series_by_modality(series).items()}
    visits = read_visits(folder)
    for number, visit in enumerate(visits, start=1):
        say(f"visit {number}: {len(visit.series)} series")
        for each in visit.series:
            for part in split_series(each):
                what = part.recognition.modality.upper() if part.recognition.modality else part.recognition.reason
                say(f"  {describe_volume(part)}: {what} [{each.uid}]")
    choice = choose(visits, wanted, take_best=yes)
    for line in describe_choice(choice):
        say(line)
    for warning in choice.warnings:
        say(f"warning: {warning}")
