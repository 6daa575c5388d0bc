"""The ISBI 2015 longitudinal MS lesion challenge (Carass et al. 2017, NeuroImage 148:77), as its archives unpack.

``trainingNN/preprocessed/trainingNN_MM_{flair,mprage,t2,pd}_pp.nii`` and ``trainingNN/masks/trainingNN_MM_mask{1,2}.nii``;
NN is the patient, MM the visit. The challenge's test patients (``testNN``) come without masks and keep ``test`` in their id. Only
the preprocessed images are taken: on their grid the raters drew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.importing.source import Contents, DataSet, FoundCase
from MSSoftSegLib.library.layout import CaseId

PREPROCESSED = True
IMAGE_NAMES = {Modality.FLAIR: "flair", Modality.T1: "mprage", Modality.T2: "t2", Modality.PD: "pd"}
RATERS = ("1", "2")
_FILE = re.compile(
    r"(?P<visit>(?P<set>training|test)(?P<patient>\d+)_(?P<session>\d+))_"
    r"(?P<what>(?:flair|mprage|t2|pd)_pp|mask[12])\.nii(?:\.gz)?"
)


def find_cases(source: Path) -> DataSet:
    """The visits below a folder, in order of name. One that lacks a file, or has it twice, is found and refused."""
    visits: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(source.rglob("*_*.nii*")):
        found = _FILE.fullmatch(path.name)
        if found is not None:
            visits.setdefault(found["visit"], {}).setdefault(found["what"], []).append(path)
    if not visits:
        raise BadLibrary(
            f"{source.name} holds no file like training01_01_flair_pp.nii",
            remedy="give the folder that the challenge's archive was unpacked to",
        )
    return DataSet(PREPROCESSED, [_case(visit, files) for visit, files in sorted(visits.items())])


def _case(visit: str, files: Mapping[str, list[Path]]) -> FoundCase:
    named, _, session = visit.partition("_")
    case = CaseId(named.removeprefix("training"), session)

    def contents() -> Contents:
        _check_complete(visit, files)
        return Contents(
            images={modality: files[f"{name}_pp"][0] for modality, name in IMAGE_NAMES.items()},
            raters={rater: files[f"mask{rater}"][0] for rater in RATERS if f"mask{rater}" in files},
        )

    return FoundCase(case, visit, contents)


def _check_complete(visit: str, files: Mapping[str, list[Path]]) -> None:
    wanted = [f"{name}_pp" for name in IMAGE_NAMES.values()]
    if visit.startswith("training"):
        wanted += [f"mask{rater}" for rater in RATERS]
    for what in wanted:
        if what not in files:
            raise BadLibrary(f"{visit}_{what}.nii is missing", remedy="unpack the challenge's archive again")
    for paths in files.values():
        if len(paths) > 1:
            raise BadLibrary(f"{paths[1].name} is there twice", remedy="give a folder that holds the data set once")
