"""A raw data set of nnU-Net (https://github.com/MIC-DKFZ/nnUNet), version 1 or 2.

``imagesTr/CASE_0000.nii.gz`` (one file a channel), ``labelsTr/CASE.nii.gz``; ``dataset.json`` names the channels
(``channel_names``, in version 1 ``modality``). Channels lie on one grid, so the images are taken as preprocessed unless the user
says otherwise; a CT is stored as a window of the body (computed_tomography.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.library.importing.computed_tomography import with_windowed_ct
from MSSoftSegLib.library.importing.source import (
    Contents,
    FoundCase,
    alphanumeric,
    channel_modalities,
    check_distinct,
    check_labels,
    lesion_mask,
    read_description,
)
from MSSoftSegLib.library.layout import CaseId, parse_case

PREPROCESSED = True
RATER = "nnunet"


def find_cases(source: Path, *, labels: Sequence[int] = (), as_flair: str | None = None) -> list[FoundCase]:
    """The training cases, in order of name. labels: which count as lesion; none = every one above 0."""
    description = read_description(source)
    names = description.get("channel_names") or description.get("modality")
    ending = str(description.get("file_ending", ".nii.gz"))
    if not isinstance(names, dict):
        raise BadLibrary("dataset.json names no channels", remedy="add 'channel_names'")
    channels = channel_modalities(names, as_flair=as_flair)
    described = _described_labels(description.get("labels") or {})
    check_labels(labels, described)
    ignored = [value for value, name in described.items() if name == "ignore"]
    wanted = list(labels) or [value for value in described if value > 0 and value not in ignored]
    stems = _stems(source, ending)
    cases = [_case_id(stem) for stem in stems]
    check_distinct(cases, stems)
    for stem in stems:
        _check_complete(source, stem, ending, channels)

    def contents(stem: str) -> Contents:
        images = source / "imagesTr"
        mask = lesion_mask(source / "labelsTr" / f"{stem}{ending}", wanted)
        files = {modality: images / f"{stem}_{number:04d}{ending}" for number, modality in channels.items()}
        return Contents(with_windowed_ct(files, channels, names), {RATER: mask})

    return [FoundCase(case, stem, partial(contents, stem)) for case, stem in zip(cases, stems, strict=True)]


def _described_labels(described: Mapping[str, Any]) -> dict[int, str]:
    """Names by value; version 2 says it the other way round, and may give regions of several values."""
    by_value: dict[int, str] = {}
    for key, value in described.items():
        if str(key).isdigit():
            by_value[int(key)] = str(value)
            continue
        for each in value if isinstance(value, list) else [value]:
            by_value.setdefault(int(each), str(key))
    return by_value


def _stems(source: Path, ending: str) -> list[str]:
    # Not ".…": Macs leave such files in archives.
    pattern = re.compile(r"([^.].*)_\d{4}" + re.escape(ending))
    found = {match[1] for path in (source / "imagesTr").glob("*") if (match := pattern.fullmatch(path.name))}
    if not found:
        raise BadLibrary(f"imagesTr holds no file like CASE_0000{ending}", remedy="choose another --format")
    return sorted(found)


def _check_complete(source: Path, stem: str, ending: str, channels: Mapping[int, object]) -> None:
    names = [f"imagesTr/{stem}_{number:04d}{ending}" for number in channels]
    for name in (*names, f"labelsTr/{stem}{ending}"):
        if not (source / name).is_file():
            raise BadLibrary(f"{name} is missing", remedy="complete the data set")


def _case_id(stem: str) -> CaseId:
    """Our own names come back as they went; another name's letters and digits are the patient's id."""
    if stem.startswith("sub-"):
        try:
            return parse_case(stem)
        except RequestError:
            pass
    return CaseId(alphanumeric(stem))
