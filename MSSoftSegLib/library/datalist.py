"""Cases listed in a JSON file, as MONAI's data lists do: for who keeps files elsewhere than in a case library.

``{"training": [{"image": {"flair": "a.nii.gz", "t1": "b.nii.gz"}, "label": "m.nii.gz", "patient": "01"}]}``; file names are
relative to the JSON file's folder. ``image`` may also be a list, with ``modalities`` beside it (or ``modality`` or
``channel_names`` for the whole file), or one file, which is FLAIR. ``labels`` maps raters to files; ``soft_label``,
``confidence``, ``case`` and ``preprocessed`` say what they say in LabelledCase. Keys that others use are left alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.image_format import image_stem
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.channels import modality_of_channel
from MSSoftSegLib.library.labelled_case import LabelledCase
from MSSoftSegLib.library.transaction import write_text

SECTION = "training"
# Who drew a label that names nobody.
UNNAMED_RATER = "label"
_SUBJECT = re.compile(r"(sub-[A-Za-z0-9]+)(?:_|$)")


def read_datalist(path: Path, *, section: str = SECTION) -> list[LabelledCase]:
    """The labelled cases of one section, in the file's order; BadLibrary names the entry and what is wrong with it.

    Entries without ``patient`` are taken for one patient each, unless their file names begin with a BIDS subject.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadLibrary(f"{path.name} does not exist", remedy="check the name and the folder") from None
    except (OSError, ValueError, RecursionError):
        raise BadLibrary(f"{path.name} is not a readable JSON file", remedy="mend the file") from None
    entries = document.get(section) if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise BadLibrary(
            f"{path.name} has no list {section!r} with entries", remedy=f"list the cases under {section!r}"
        )
    reader = _EntryReader(path, document)
    cases = [reader.read(number, entry) for number, entry in enumerate(entries, start=1)]
    names = [case.case for case in cases]
    for number, name in enumerate(names, start=1):
        if name in names[: number - 1]:
            reader.refuse(number, f"the case {name} is listed twice")
    return cases


def write_datalist(cases: Sequence[LabelledCase], path: Path, *, section: str = SECTION) -> Path:
    """Write labelled cases as a data list; files are named relative to its folder where they can be. Returns the path."""
    folder = path.absolute().parent

    def relative(file: Path) -> str:
        try:
            return Path(os.path.relpath(file.absolute(), folder)).as_posix()
        except ValueError:  # on another drive of Windows
            return file.absolute().as_posix()

    entries = []
    for case in cases:
        entry: dict[str, Any] = {"case": case.case, "patient": case.patient}
        entry["modalities"] = [str(modality) for modality in case.images]
        entry["image"] = [relative(file) for file in case.images.values()]
        if case.raters:
            entry["label"] = relative(case.raters[min(case.raters)])
            entry["labels"] = {rater: relative(file) for rater, file in case.raters.items()}
        for key in ("soft_label", "confidence"):
            if getattr(case, key) is not None:
                entry[key] = relative(getattr(case, key))
        entry["preprocessed"] = case.preprocessed
        entries.append(entry)
    write_text(path, json.dumps({section: entries}, indent=2, ensure_ascii=False) + "\n", scratch=folder)
    return path


class _EntryReader:
    """Reads the entries of one file."""

    def __init__(self, path: Path, document: Mapping[str, Any]) -> None:
        self._path = path
        self._channels = document.get("modality") or document.get("channel_names") or {}

    def refuse(self, number: int, reason: str) -> None:
        """What is wrong with an entry."""
        raise BadLibrary(f"{self._path.name}, entry {number}: {reason}", remedy="correct the entry")

    def read(self, number: int, entry: Any) -> LabelledCase:
        """One entry as a case."""
        if not isinstance(entry, dict):
            self.refuse(number, "is not an object with image and label")
        images = self._images(number, entry)
        if Modality.FLAIR not in images:
            self.refuse(number, "has no FLAIR image")
        raters = entry.get("labels") or ({UNNAMED_RATER: entry["label"]} if entry.get("label") else {})
        if not isinstance(raters, dict):
            self.refuse(number, "'labels' is not an object of rater and file")
        soft_label = self._optional(number, entry, "soft_label")
        if not raters and soft_label is None:
            self.refuse(number, "has neither label, labels nor soft_label")
        name = image_stem(images[Modality.FLAIR].name)
        subject = _SUBJECT.match(name)
        patient = entry.get("patient") or (subject[1] if subject else entry.get("case") or name)
        return LabelledCase(
            case=str(entry.get("case") or name),
            patient=str(patient),
            images=MappingProxyType(images),
            raters=MappingProxyType({str(rater): self._file(number, file) for rater, file in sorted(raters.items())}),
            soft_label=soft_label,
            confidence=self._optional(number, entry, "confidence"),
            preprocessed=bool(entry.get("preprocessed", False)),
        )

    def _images(self, number: int, entry: Mapping[str, Any]) -> dict[Modality, Path]:
        stated = entry.get("image") or {m: entry[m] for m in Modality if entry.get(m)}
        if isinstance(stated, str):
            stated = {Modality.FLAIR: stated}
        elif isinstance(stated, list):
            names = entry.get("modalities") or self._channel_names(len(stated))
            if len(names) != len(stated):
                self.refuse(number, "does not say which image is which: give 'modalities', one for each image")
            stated = dict(zip(map(str, names), stated, strict=True))
        if not isinstance(stated, dict) or not stated:
            self.refuse(number, "has no image")
        images = {}
        for name, file in stated.items():
            modality = modality_of_channel(str(name))
            if modality is None:
                continue
            if modality in images:
                self.refuse(number, f"has two {modality.upper()} images")
            images[modality] = self._file(number, file)
        return {modality: images[modality] for modality in Modality if modality in images}

    def _channel_names(self, count: int) -> list[str]:
        if count == 1 and not self._channels:
            return [Modality.FLAIR]
        if isinstance(self._channels, list):
            return [str(name) for name in self._channels]
        return [str(self._channels[key]) for key in sorted(self._channels, key=int)]

    def _optional(self, number: int, entry: Mapping[str, Any], key: str) -> Path | None:
        return self._file(number, entry[key]) if entry.get(key) else None

    def _file(self, number: int, name: Any) -> Path:
        if not isinstance(name, str):
            self.refuse(number, "a file name is not text")
        file = self._path.parent / name
        if not file.is_file():
            self.refuse(number, f"{file.name} does not exist")
        return file
