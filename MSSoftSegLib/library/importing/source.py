"""What every import has in common: a source folder, and cases found in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.image_file import read_mask
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.channels import modality_of_channel
from MSSoftSegLib.library.intake import Source
from MSSoftSegLib.library.layout import CaseId

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")


@dataclass(frozen=True)
class Contents:
    """What add_case takes of one foreign case."""

    images: Mapping[Modality, Source]
    raters: Mapping[str, Source] = field(default_factory=dict)
    soft_label: Source | None = None
    soft_label_name: str = "soft"


@dataclass(frozen=True)
class FoundCase:
    """One case of a foreign data set. name: as the data set calls it. load: reads what has to be changed before it is added."""

    case: CaseId
    name: str
    load: Callable[[], Contents]

    @classmethod
    def ready(cls, case: CaseId, name: str, contents: Contents) -> FoundCase:
        """A case whose files are added as they are."""
        return cls(case, name, lambda: contents)


def check_source(source: Path) -> None:
    """Refuse what is not a folder."""
    if source.is_dir():
        return
    if not source.exists():
        raise RequestError(f"{source.name} does not exist", remedy="check the name and the folder")
    if source.name.lower().endswith(ARCHIVES):
        raise RequestError(f"{source.name} is an archive", remedy="unpack it and give the folder")
    raise RequestError(f"{source.name} is a file, not the data set's folder", remedy="give the folder that holds it")


def read_description(folder: Path, name: str = "dataset.json") -> dict[str, Any]:
    """A data set's own description."""
    path = folder / name
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadLibrary(
            f"{folder.name} holds no {name}", remedy="give the folder that holds it, or choose another --format"
        ) from None
    except (OSError, ValueError, RecursionError):
        raise BadLibrary(f"{name} is not readable JSON", remedy="unpack or download the data set again") from None
    if not isinstance(document, dict):
        raise BadLibrary(f"{name} does not describe a data set", remedy="unpack or download the data set again")
    return document


def alphanumeric(name: str) -> str:
    """A name as an id: what is not a letter of A–Z or a digit is left out."""
    return "".join(character for character in name if character.isascii() and character.isalnum())


def channel_modalities(names: Mapping[str, str], *, as_flair: str | None) -> dict[int, Modality]:
    """The modality of each channel that is used. as_flair: the channel, by number or name, that plays FLAIR's part.

    names: channel names by number, as data sets describe them.
    """
    used: dict[int, Modality] = {}
    chosen = [number for number, name in names.items() if as_flair is not None and as_flair in (number, name)]
    if as_flair is not None and not chosen:
        raise RequestError(f"there is no channel {as_flair!r}", remedy=f"choose from {_listed(names)}")
    for number, name in names.items():
        modality = Modality.FLAIR if number in chosen else modality_of_channel(name)
        if modality is Modality.FLAIR and chosen and number not in chosen:
            continue
        if modality is None:
            continue
        if modality in used.values():
            raise BadLibrary(f"two channels are {modality.upper()} ({_listed(names)})", remedy="correct dataset.json")
        used[int(number)] = modality
    if Modality.FLAIR not in used.values():
        raise RequestError(
            f"no channel is FLAIR ({_listed(names)})",
            remedy="say with --as-flair NUMBER which channel labels are drawn on and is trained on in FLAIR's place",
        )
    return used


def lesion_mask(path: Path, labels: Sequence[int], *, like: sitk.Image | None = None) -> sitk.Image:
    """A label map with 1 where the file has one of these labels; without labels, where it has any above 0."""
    mask = read_mask(path, like)
    array = voxels(mask)
    chosen = np.isin(array, labels) if labels else array > 0
    return image_like(mask, chosen.astype(np.uint8))


def check_labels(labels: Sequence[int], described: Mapping[int, str]) -> None:
    """Refuse a label that the data set does not describe."""
    for label in labels:
        if label <= 0 or (described and label not in described):
            known = ", ".join(f"{value} ({name})" for value, name in sorted(described.items()) if value > 0)
            raise RequestError(f"there is no label {label}", remedy=f"choose from {known or 'whole numbers above 0'}")


def check_distinct(cases: Sequence[CaseId], names: Sequence[str]) -> None:
    """Refuse names that become one id once other characters are left out."""
    seen: dict[str, str] = {}
    for case, name in zip(cases, names, strict=True):
        other = seen.setdefault(str(case).casefold(), name)
        if other != name:
            raise BadLibrary(f"{other} and {name} would both be {case}", remedy="rename one of them")


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(f"{number}: {name}" for number, name in names.items())
