"""A BIDS data set (https://bids-specification.readthedocs.io): images in ``sub-*/[ses-*/]anat``, lesion masks in derivatives.

A mask is a ``dseg``, ``mask`` or ``roi`` file with "lesion" in its name, anywhere below ``derivatives``; its rater is its
``desc``, or else the derivative's folder. It must lie on FLAIR's grid.
"""

from __future__ import annotations

import re
from pathlib import Path

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.importing.source import Contents, FoundCase, alphanumeric
from MSSoftSegLib.library.layout import CONFIDENCE, CaseId

PREPROCESSED = False
SUFFIXES = {"FLAIR": Modality.FLAIR, "T1w": Modality.T1, "T2w": Modality.T2, "PDw": Modality.PD}
MASK_SUFFIXES = ("dseg", "mask", "roi")
SOFT_SUFFIX = "probseg"
_NAME = re.compile(
    r"sub-([A-Za-z0-9]+)(?:_ses-([A-Za-z0-9]+))?((?:_[a-zA-Z]+-[A-Za-z0-9]+)*)_([A-Za-z0-9]+)\.nii(?:\.gz)?"
)
_ENTITY = re.compile(r"_([a-zA-Z]+)-([A-Za-z0-9]+)")


def find_cases(source: Path) -> list[FoundCase]:
    """The visits that have a FLAIR image, in order of name; two images for one part are refused by name."""
    images: dict[CaseId, dict[Modality, Path]] = {}
    for path in sorted([*source.glob("sub-*/anat/*.nii*"), *source.glob("sub-*/ses-*/anat/*.nii*")]):
        read = _read_name(path)
        if read is None or read[2] not in SUFFIXES or "ce" in read[1]:
            continue
        modality, files = SUFFIXES[read[2]], images.setdefault(read[0], {})
        if modality in files:
            raise BadLibrary(
                f"{files[modality].name} and {path.name} could both be the {modality.upper()} image",
                remedy="leave one of them in the folder that you import",
            )
        files[modality] = path
    complete = {case: files for case, files in sorted(images.items(), key=_name_of) if Modality.FLAIR in files}
    if not complete:
        raise BadLibrary(
            f"{source.name} holds no sub-*/anat/*_FLAIR.nii.gz", remedy="give the BIDS data set's own folder"
        )
    masks, soft = _labels(source)
    found = []
    for case, files in complete.items():
        name, soft_label = soft.get(case, ("soft", None))
        contents = Contents(files, masks.get(case, {}), soft_label, name)
        found.append(FoundCase.ready(case, str(case), contents))
    return found


def _name_of(item: tuple[CaseId, object]) -> str:
    return str(item[0])


def _labels(source: Path) -> tuple[dict[CaseId, dict[str, Path]], dict[CaseId, tuple[str, Path]]]:
    """Rater masks by rater, and the first soft label with its name, by case."""
    masks: dict[CaseId, dict[str, Path]] = {}
    soft: dict[CaseId, tuple[str, Path]] = {}
    for path in sorted((source / "derivatives").rglob("sub-*.nii*")):
        read = _read_name(path)
        if read is None or "lesion" not in path.name.casefold():
            continue
        case, entities, suffix = read
        pipeline = path.relative_to(source / "derivatives").parts[0]
        name = entities.get("desc") or alphanumeric(pipeline) or "rater"
        if suffix in MASK_SUFFIXES:
            other = masks.setdefault(case, {}).setdefault(name, path)
            if other != path:
                raise BadLibrary(
                    f"{other.name} and {path.name} are both the mask of {name}", remedy="tell raters apart by desc-"
                )
        elif suffix == SOFT_SUFFIX and not name.endswith(CONFIDENCE):
            soft.setdefault(case, (name, path))
    return masks, soft


def _read_name(path: Path) -> tuple[CaseId, dict[str, str], str] | None:
    """Case, other entities and suffix of a BIDS file name; None where it is none."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    return CaseId(found[1], found[2]), dict(_ENTITY.findall(found[3])), found[4]
