"""What a foreign data set's label values become here: lesion, possible lesion, or a question. None becomes background unasked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, RequestError
from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.exam.image_file import read_mask
from MSSoftSegLib.exam.label_doubts import describe_counts, value_counts
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.exam.plain_text import plain_letters

_IGNORED = re.compile(r"ignore|unlabel|unannotat|void|don.?t care")
_POSSIBLE = re.compile(r"possible|uncertain|probable|doubt|unsure|questionable|moglich|incertain|dubbi|dudos")
# Tissue, organs and other disease: what a description calls so, and not lesion too, is no lesion.
_NO_LESION = re.compile(
    r"(?<![a-z])(?:background|bg|healthy|"
    r"normal|other|brain|skull|ventric\w*|csf|gm|wm|gr[ae]y ?matter|white ?matter|tissue|vessels?|eyes?|air|"
    r"thalam\w*|cortex|caudate|putamen|cerebell\w*|brain ?stem|hippocamp\w*|infarct\w*)(?![a-z])"
)
_LESION = re.compile(r"lesion|hyperintens|wmh|plaque")


@dataclass(frozen=True)
class LabelMeaning:
    """lesion, possible: values. described: names by value, maybe none. chosen: the user said which values count."""

    lesion: frozenset[int]
    possible: frozenset[int]
    described: Mapping[int, str]
    chosen: bool

    @property
    def left_out(self) -> dict[int, str]:
        """What is described, is neither, and becomes background because the user chose others."""
        taken = self.lesion | self.possible
        return {value: name for value, name in self.described.items() if value > 0 and value not in taken}


def find_meaning(
    described: Mapping[int, str], *, lesion: Sequence[int] = (), possible: Sequence[int] = (), ours: int | None = None
) -> LabelMeaning:
    """The meaning of each value. lesion, possible: the user's choice. ours: the value that our own export wrote for possible.

    RequestError where a chosen value is not described, and where a description names what cannot be lesion.
    """
    check_labels((*lesion, *possible), described)
    if twice := set(lesion) & set(possible):
        raise RequestError(f"label {min(twice)} is to be lesion and possible lesion", remedy="choose one of the two")
    if lesion:
        return LabelMeaning(frozenset(lesion), frozenset(possible), described, chosen=True)
    maybe = set(possible) or {value for value, name in described.items() if _POSSIBLE.search(plain_letters(name))}
    if ours is not None and not possible:
        maybe.add(ours)
    if _LESION.search(plain_letters(described.get(0, ""))):
        raise RequestError(
            f"dataset.json calls label 0 {described[0]!r}, and 0 is background here",
            remedy="write 1 for lesion and 0 for background into the files and dataset.json",
        )
    lesions = set()
    for value, name in described.items():
        if value <= 0 or value in maybe or _IGNORED.search(plain_letters(name)):
            continue
        if _NO_LESION.search(plain_letters(name)) and not _LESION.search(plain_letters(name)):
            raise RequestError(
                f"dataset.json calls label {value} {name!r}, which is no lesion",
                remedy="say with --label which labels are lesion",
            )
        lesions.add(value)
    return LabelMeaning(frozenset(lesions), frozenset(maybe), described, chosen=False)


def read_labels(path: Path, meaning: LabelMeaning, *, like: sitk.Image | None = None) -> sitk.Image:
    """A label map as ours: 1 = lesion, 2 = possible lesion. BadImage, with values and counts, where one has no meaning."""
    mask = read_mask(path, like)
    array = voxels(mask)
    counts = value_counts(array)
    lesion = meaning.lesion
    if not meaning.described and not meaning.chosen:
        unnamed = {value: count for value, count in counts.items() if value not in meaning.possible}
        if len(unnamed) > 1:
            raise BadImage(
                f"{path.name} holds the values {describe_counts(counts)}, and dataset.json does not say what they mean",
                remedy="describe them under 'labels', or say with --label which are lesion",
            )
        lesion = frozenset(unnamed)
    _check_known(path.name, counts, meaning, lesion)
    ours = np.zeros(array.shape, np.uint8)
    ours[np.isin(array, list(lesion))] = LESION
    ours[np.isin(array, list(meaning.possible))] = POSSIBLE_LESION
    return image_like(mask, ours)


def _check_known(name: str, counts: dict[int, int], meaning: LabelMeaning, lesion: frozenset[int]) -> None:
    other = {value: count for value, count in counts.items() if value not in lesion | meaning.possible}
    # Whoever chose labels knows the described others to be background.
    unknown = {value: count for value, count in other.items() if not (meaning.chosen and value in meaning.described)}
    if not unknown:
        return
    nameless = {value: count for value, count in unknown.items() if value not in meaning.described}
    if nameless and (meaning.described or meaning.chosen):
        values = f"the value{'s' if len(nameless) > 1 else ''} {describe_counts(nameless)}"
        raise BadImage(
            f"{name} holds {values}, which dataset.json does not describe",
            remedy="correct the file or dataset.json; no voxel becomes background unasked",
        )
    value = min(unknown)
    raise BadImage(
        f"{name} holds the value {describe_counts({value: unknown[value]})}, "
        f"which dataset.json calls {meaning.described[value]!r}",
        remedy=f"say --possible {value} where it is possible lesion, or with --label which labels are lesion and no other",
    )


def check_labels(labels: Sequence[int], described: Mapping[int, str]) -> None:
    """Refuse a label that the data set does not describe."""
    for label in labels:
        if label <= 0 or (described and label not in described):
            known = ", ".join(f"{value} ({name})" for value, name in sorted(described.items()) if value > 0)
            raise RequestError(f"there is no label {label}", remedy=f"choose from {known or 'whole numbers above 0'}")
