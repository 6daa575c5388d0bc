"""Options that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.modality import Modality

Flair = Annotated[Path | None, typer.Option("--flair", help="FLAIR image (NIfTI, NRRD, MetaImage)")]
T1 = Annotated[Path | None, typer.Option("--t1", help="T1 image, not contrast-enhanced")]
T2 = Annotated[Path | None, typer.Option("--t2", help="T2 image")]
ProtonDensity = Annotated[
    Path | None, typer.Option("--pd", help="proton-density image, for models that take one (kats2019)")
]
ExamFolder = Annotated[
    Path | None, typer.Option("--exam", help="folder whose images are recognised by name and sidecar")
]
TakeBest = Annotated[
    bool, typer.Option("--yes", help="of several images that could play one part take the best one, as told")
]
DicomFolder = Annotated[
    Path | None,
    typer.Option(
        "--dicom", help="folder of DICOM files; its series are chosen by what they are, and the choice is told"
    ),
]
Series = Annotated[
    list[str] | None,
    typer.Option("--series", help="flair=UID, t1=NUMBER or t2=none: choose a series of --dicom; may be repeated"),
]
Out = Annotated[Path, typer.Option("--out", help="folder to create")]
Brain = Annotated[str, typer.Option("--brain", help="auto, hd-bet, atlas, none, or a brain mask file")]
AlignTo = Annotated[
    str | None, typer.Option("--align-to", help="registration target: t1 or flair (default: T1 if present)")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="replace the output folder once the new result is complete")
]
UseCache = Annotated[
    bool, typer.Option("--cache/--no-cache", help="reuse preprocessing steps that were computed before")
]
JsonEvents = Annotated[bool, typer.Option("--json-events", help="print events as JSON lines on stdout")]
Debug = Annotated[bool, typer.Option("--debug", help="show the traceback of a failure")]


def parse_series_by_modality(words: list[str] | None) -> dict[str, str]:
    """``flair=UID`` and the like as a dictionary; RequestError where a word is not like that, or a contrast comes twice."""
    found: dict[str, str] = {}
    for word in words or []:
        modality, mark, value = (part.strip() for part in word.partition("="))
        modality = modality.casefold()
        if not mark or not value or modality not in list(Modality):
            raise RequestError(
                f"--series {word!r} is not understood", remedy="write --series flair=UID, t1=NUMBER or t2=none"
            )
        if modality in found:
            raise RequestError(f"two series are chosen for {modality.upper()}", remedy="choose one")
        found[modality] = value
    return found
