"""Import a data set: every case that can be read is added, and every one that cannot is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.case_record import Status
from MSSoftSegLib.library.importing import bids, isbi2015, msd, nnunet
from MSSoftSegLib.library.importing.choices import NOTHING_CHOSEN, Choices
from MSSoftSegLib.library.importing.source import DataSet, FoundCase, check_source
from MSSoftSegLib.library.reading import check_is_library
from MSSoftSegLib.library.writing import add_case

ImportFormat = Literal["isbi2015", "msd", "bids", "nnunet"]
IMPORT_FORMATS: tuple[str, ...] = get_args(ImportFormat)


@dataclass(frozen=True)
class Imported:
    """What came of an import: cases that are in the library now, and why others are not, by their own name.

    notes: what was not taken, and what was understood in a way that one should know.
    """

    cases: tuple[str, ...]
    problems: dict[str, str]
    notes: tuple[str, ...] = ()


def import_cases(
    library: Path,
    source: Path,
    format: ImportFormat,
    *,
    status: Status | None = None,
    choices: Choices = NOTHING_CHOSEN,
    preprocessed: bool | None = None,
    progress: Callable[[float, str], None] = lambda fraction, name: None,
) -> Imported:
    """Add a data set's cases; one that is there already and equal stays as it is, so an import can be repeated.

    One case that cannot be read does not hold the others up. status: of labelled cases (others 'unlabelled'); None = approved,
    or what our own export says that they were. choices: of labels, channels and visits, msd and nnunet only. preprocessed: None
    takes what our own export says, else the format's own. progress is told the fraction done and the name of the next case.
    """
    check_is_library(library)
    check_source(source)
    found = _find(source, format, choices)
    added: list[str] = []
    problems: dict[str, str] = {}
    for number, each in enumerate(found.cases):
        progress(number / len(found.cases), each.name)
        try:
            added.append(_add(library, each, status, preprocessed, default=found.preprocessed))
        except RequestError as problem:
            problems[each.name] = str(problem)
    # A data set may list a case twice.
    return Imported(tuple(dict.fromkeys(added)), problems, found.notes)


def _add(library: Path, found: FoundCase, status: Status | None, preprocessed: bool | None, *, default: bool) -> str:
    """Add one case; its name in the library. What the user says goes first, then what an export of ours says, then the rest."""
    contents = found.load()
    if found.case is None:
        raise ValueError(f"{found.name} was loaded and has no id")
    said = [each for each in (preprocessed, contents.own.preprocessed, default) if each is not None]
    labeled = bool(contents.raters) or contents.soft_label is not None
    change = CaseChange(
        found.case,
        images=contents.images,
        raters=contents.raters,
        soft_label=contents.soft_label,
        soft_label_name=contents.soft_label_name,
        confidence=contents.confidence,
        status=(status or contents.own.status or "approved") if labeled else None,
        preprocessed=said[0],
    )
    add_case(library, change)
    return str(found.case)


def _find(source: Path, format: ImportFormat, choices: Choices) -> DataSet:
    if format == "msd":
        return msd.find_cases(source, choices)
    if format == "nnunet":
        return nnunet.find_cases(source, choices)
    if choices != NOTHING_CHOSEN:
        raise RequestError(
            f"--label, --possible, --as-flair and --visits do not go with --format {format}",
            remedy="leave them out, or choose msd or nnunet",
        )
    return isbi2015.find_cases(source) if format == "isbi2015" else bids.find_cases(source)
