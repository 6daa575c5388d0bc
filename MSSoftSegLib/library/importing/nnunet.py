"""A raw data set of nnU-Net (https://github.com/MIC-DKFZ/nnUNet), version 1 or 2.

``imagesTr/CASE_0000.nii.gz`` (one file a channel), ``labelsTr/CASE.nii.gz``; ``dataset.json`` names the channels
(``channel_names``, in version 1 ``modality``). Channels lie on one grid, so the images are taken as preprocessed unless the user
says otherwise; a CT is stored as a window of the body (computed_tomography.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.library.importing.choices import Choices
from MSSoftSegLib.library.importing.computed_tomography import window_computed_tomography
from MSSoftSegLib.library.importing.description import (
    read_channel_names,
    read_description,
    read_file_ending,
    read_label_names,
)
from MSSoftSegLib.library.importing.label_meaning import find_meaning, read_labels
from MSSoftSegLib.library.importing.own_export import find_own_export
from MSSoftSegLib.library.importing.source import (
    Contents,
    DataSet,
    FoundCase,
    find_channel_modalities,
    find_unused_channels,
    make_case_id,
    make_ids_distinct,
)
from MSSoftSegLib.library.layout import CaseId, parse_case
from MSSoftSegLib.library.visits import find_visits

PREPROCESSED = True
RATER = "nnunet"


def find_cases(source: Path, choices: Choices) -> DataSet:
    """The training cases, in order of name. A case that lacks a file is found and refused."""
    description = read_description(source)
    names = read_channel_names(description, ("channel_names", "modality"))
    ending = read_file_ending(description)
    channels = find_channel_modalities(names, as_flair=choices.as_flair)
    ours = find_own_export(description)
    meaning = find_meaning(
        read_label_names(description), lesion=choices.labels, possible=choices.possible, ours=ours.possible_lesion
    )
    stems = _stems(source, ending)
    visits = find_visits([stem for stem in stems if _own_name(stem) is None], how=choices.visits)

    def contents(stem: str) -> Contents:
        _check_complete(source, stem, ending, names)
        files = {modality: _image(source, stem, number, ending) for number, modality in channels.items()}
        mask = read_labels(source / "labelsTr" / f"{stem}{ending}", meaning)
        return Contents(window_computed_tomography(files, channels, names), {RATER: mask}, own=ours.case(stem))

    found = [_found(stem, visits.get(stem), partial(contents, stem)) for stem in stems]
    notes = [*find_unused_channels(names, channels), *_strays(source, stems, ending)]
    notes += [f"label {value} ({name}) is not taken for lesion" for value, name in sorted(meaning.left_out.items())]
    notes += [f"{stem} is taken for visit {visit} of patient {patient}" for stem, (patient, visit) in visits.items()]
    return DataSet(PREPROCESSED, make_ids_distinct(found), tuple(notes))


def _found(stem: str, visit: tuple[str, str] | None, load: Callable[[], Contents]) -> FoundCase:
    try:
        return FoundCase(_own_name(stem) or make_case_id(stem, visit), stem, load)
    except RequestError as problem:
        return FoundCase.refused(stem, problem)


def _own_name(stem: str) -> CaseId | None:
    """Our own names come back as they went; None for another name, whose letters and digits are the patient's id."""
    try:
        return parse_case(stem) if stem.startswith("sub-") else None
    except RequestError:
        return None


def _image(source: Path, stem: str, number: int, ending: str) -> Path:
    return source / "imagesTr" / f"{stem}_{number:04d}{ending}"


def _stems(source: Path, ending: str) -> list[str]:
    # Not ".…": Macs leave such files in archives.
    pattern = re.compile(r"([^.].*)_\d{4}" + re.escape(ending))
    found = {match[1] for path in (source / "imagesTr").glob("*") if (match := pattern.fullmatch(path.name))}
    if not found:
        raise BadLibrary(f"imagesTr holds no file like CASE_0000{ending}", remedy="choose another --format")
    return sorted(found)


def _check_complete(source: Path, stem: str, ending: str, names: Mapping[str, Any]) -> None:
    wanted = [f"imagesTr/{stem}_{int(number):04d}{ending}" for number in names]
    for name in (*wanted, f"labelsTr/{stem}{ending}"):
        if not (source / name).is_file():
            raise BadLibrary(f"{name} is missing", remedy="complete the data set")
    beyond = f"imagesTr/{stem}_{len(names):04d}{ending}"
    if (source / beyond).is_file():
        raise BadLibrary(
            f"{beyond} is a channel that dataset.json does not name", remedy="name every channel in dataset.json"
        )


def _strays(source: Path, stems: list[str], ending: str) -> list[str]:
    """Labels without images."""
    labels = (path.name for path in sorted((source / "labelsTr").glob(f"*{ending}")) if not path.name.startswith("."))
    known = {f"{stem}{ending}" for stem in stems}
    return [f"labelsTr/{name} has no images and is not taken" for name in labels if name not in known]
