"""Import a data set: every case that can be read is added, and every one that cannot is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.case_record import Status
from MSSoftSegLib.library.importing import bids, isbi2015, msd, nnunet
from MSSoftSegLib.library.importing.source import FoundCase, check_source
from MSSoftSegLib.library.reading import check_is_library
from MSSoftSegLib.library.writing import add_case

ImportFormat = Literal["isbi2015", "msd", "bids", "nnunet"]
IMPORT_FORMATS: tuple[str, ...] = get_args(ImportFormat)


@dataclass(frozen=True)
class Imported:
    """What came of an import: cases that are in the library now, and why others are not, by their own name."""

    cases: tuple[str, ...]
    problems: dict[str, str]


def import_cases(
    library: Path,
    source: Path,
    format: ImportFormat,
    *,
    status: Status | None = "approved",
    labels: Sequence[int] = (),
    as_flair: str | None = None,
    preprocessed: bool | None = None,
    progress: Callable[[float, str], None] = lambda fraction, name: None,
) -> Imported:
    """Add a data set's cases; one that is there already and equal stays as it is, so an import can be repeated.

    status: of labelled cases (others are 'unlabelled'). labels, as_flair: msd and nnunet only. preprocessed: None
    takes the format's own. progress is told the fraction done and the
    name of the case that comes next.
    """
    check_is_library(library)
    check_source(source)
    default, found = _find(source, format, labels, as_flair)
    added: list[str] = []
    problems: dict[str, str] = {}
    for number, each in enumerate(found):
        progress(number / len(found), each.name)
        try:
            _add(library, each, status, preprocessed=default if preprocessed is None else preprocessed)
            added.append(str(each.case))
        except RequestError as problem:
            problems[each.name] = str(problem)
    return Imported(tuple(added), problems)


def _add(library: Path, found: FoundCase, status: Status | None, *, preprocessed: bool) -> None:
    contents = found.load()
    labelled = bool(contents.raters) or contents.soft_label is not None
    change = CaseChange(
        found.case,
        images=contents.images,
        raters=contents.raters,
        soft_label=contents.soft_label,
        soft_label_name=contents.soft_label_name,
        status=status if labelled else None,
        preprocessed=preprocessed,
    )
    add_case(library, change)


def _find(
    source: Path, format: ImportFormat, labels: Sequence[int], as_flair: str | None
) -> tuple[bool, list[FoundCase]]:
    """Whether the format's images are preprocessed, and the cases."""
    if format == "msd":
        return msd.PREPROCESSED, msd.find_cases(source, labels=labels, as_flair=as_flair)
    if format == "nnunet":
        return nnunet.PREPROCESSED, nnunet.find_cases(source, labels=labels, as_flair=as_flair)
    if labels or as_flair is not None:
        raise RequestError(
            f"--label and --as-flair do not go with --format {format}", remedy="leave them out, or choose msd or nnunet"
        )
    if format == "isbi2015":
        return isbi2015.PREPROCESSED, isbi2015.find_cases(source)
    return bids.PREPROCESSED, bids.find_cases(source)
