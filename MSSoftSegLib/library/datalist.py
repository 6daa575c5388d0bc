"""Cases listed in a JSON file, as MONAI's data lists do: for who keeps files elsewhere than in a case library.

``{"training": [{"image": {"flair": "a.nii.gz", "t1": "b.nii.gz"}, "label": "m.nii.gz", "patient": "01"}]}``; file names are
relative to the JSON file's folder. ``image`` may also be a list, with ``modalities`` beside it (or ``modality`` or
``channel_names`` for the whole file), or one file, which is FLAIR. ``labels`` maps raters to files; ``soft_label``,
``confidence``, ``case`` and ``preprocessed`` say what they say in LabeledCase. Keys that others use are left alone.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.image_file import is_there
from MSSoftSegLib.exam.image_format import image_stem
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.library.channels import find_channel_modality
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.transaction import write_text
from MSSoftSegLib.library.visits import find_visits
from MSSoftSegLib.result_folder import make_scratch_beside

SECTION = "training"
# Who drew a label that names nobody.
UNNAMED_RATER = "label"
_SUBJECT = re.compile(r"(sub-[A-Za-z0-9]+)(?:_|$)")


def read_datalist(path: Path, *, section: str = SECTION) -> list[LabeledCase]:
    """The labelled cases of one section, in the file's order; BadLibrary names the entry and what is wrong with it.

    Entries without ``patient`` are taken for one patient each, unless file names begin with a BIDS subject or tell of visits.
    """
    try:
        document = parse_json(path.read_bytes())
    except FileNotFoundError:
        raise BadLibrary(f"{path.name} does not exist", remedy="check the name and the folder") from None
    except (OSError, ValueError):
        raise BadLibrary(f"{path.name} is not a readable JSON file", remedy="mend the file") from None
    entries = document.get(section) if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise BadLibrary(
            f"{path.name} has no list {section!r} with entries", remedy=f"list the cases under {section!r}"
        )
    reader = _EntryReader(path, document)
    cases = [reader.read(number, entry) for number, entry in enumerate(entries, start=1)]
    cases = _with_patients_by_name(path, cases, entries)
    names = [case.case for case in cases]
    for number, name in enumerate(names, start=1):
        if name in names[: number - 1]:
            reader.refuse(number, f"the case {name} is listed twice")
    return cases


def _with_patients_by_name(path: Path, cases: Sequence[LabeledCase], entries: Sequence[Any]) -> list[LabeledCase]:
    """The cases, those that say nothing of their patient under the one that their names tell of."""
    silent = [case.case for case, entry in zip(cases, entries, strict=True) if _is_silent(entry.get("patient"))]
    try:
        visits = find_visits([name for name in silent if not _SUBJECT.match(name)])
    except RequestError as problem:
        raise BadLibrary(f"{path.name}: {problem.message}", remedy="give each entry its 'patient'") from None
    return [dataclasses.replace(case, patient=visits[case.case][0]) if case.case in visits else case for case in cases]


def _is_silent(value: Any) -> bool:
    """Whether an entry says nothing of its case or patient; 0 is a number as good as another."""
    return value is None or value == ""


def write_datalist(cases: Sequence[LabeledCase], path: Path, *, section: str = SECTION) -> Path:
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
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    with make_scratch_beside(path) as scratch:
        write_text(path, json.dumps({section: entries}, indent=2, ensure_ascii=False) + "\n", scratch=scratch)
    return path


class _EntryReader:
    """Reads the entries of one file."""

    def __init__(self, path: Path, document: Mapping[str, Any]) -> None:
        self._path = path
        self._channels = self._checked_channels(document)

    def _checked_channels(self, document: Mapping[str, Any]) -> list[str]:
        """The names of the whole file's channels in their order; none where it gives none."""
        field = next((name for name in ("modality", "channel_names") if document.get(name)), None)
        if field is None:
            return []
        stated = document[field]
        if isinstance(stated, list) and all(isinstance(name, str) for name in stated):
            return stated
        if not isinstance(stated, dict) or sorted(stated) != sorted(map(str, range(len(stated)))):
            raise BadLibrary(
                f"{self._path.name}: {field!r} does not name its channels by number",
                remedy='give {"0": "FLAIR", "1": "T1"} or ["FLAIR", "T1"]',
            )
        for number, name in stated.items():
            if not isinstance(name, str):
                raise BadLibrary(f"{self._path.name}: '{field}.{number}' is no name", remedy="give the channel's name")
        return [stated[str(number)] for number in range(len(stated))]

    def refuse(self, number: int, reason: str) -> None:
        """What is wrong with an entry."""
        raise BadLibrary(f"{self._path.name}, entry {number}: {reason}", remedy="correct the entry")

    def read(self, number: int, entry: Any) -> LabeledCase:
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
        for key in ("case", "patient"):
            if not isinstance(entry.get(key), str | int | None) or isinstance(entry.get(key), bool):
                self.refuse(number, f"{key!r} is neither text nor a number")
        if not isinstance(entry.get("preprocessed", False), bool):
            self.refuse(number, "'preprocessed' is neither true nor false")
        own = name if _is_silent(entry.get("case")) else entry["case"]
        patient = (subject[1] if subject else own) if _is_silent(entry.get("patient")) else entry["patient"]
        return LabeledCase(
            case=str(own),
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
            if not isinstance(names, list) or len(names) != len(stated):
                self.refuse(number, "does not say which image is which: give 'modalities', one for each image")
            stated = dict(zip(map(str, names), stated, strict=True))
        if not isinstance(stated, dict) or not stated:
            self.refuse(number, "has no image")
        images = {}
        for name, file in stated.items():
            modality = find_channel_modality(str(name))
            if modality is None:
                continue
            if modality in images:
                self.refuse(number, f"has two {modality.upper()} images")
            images[modality] = self._file(number, file)
        return {modality: images[modality] for modality in Modality if modality in images}

    def _channel_names(self, count: int) -> list[str]:
        return [Modality.FLAIR] if count == 1 and not self._channels else self._channels

    def _optional(self, number: int, entry: Mapping[str, Any], key: str) -> Path | None:
        return self._file(number, entry[key]) if entry.get(key) else None

    def _file(self, number: int, name: Any) -> Path:
        if not isinstance(name, str):
            self.refuse(number, "a file name is not text")
        file = self._path.parent / name
        if not is_there(file):
            self.refuse(number, f"{file.name} does not exist")
        return file
