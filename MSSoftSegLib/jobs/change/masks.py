"""Whose lesions each visit is compared with: the model's, or a mask that a reader corrected, named or kept in a case library."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from MSSoftSegLib.change.readers_mask import ReaderMask, apply_readers_mask, read_labels
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import find_exam
from MSSoftSegLib.jobs.change.sources import Source
from MSSoftSegLib.jobs.documents.change import AUTOMATIC, MODEL, GivenMask
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.layout import DERIVATIVES, CaseId, parse_case, resolve_inside
from MSSoftSegLib.library.opening import open_case

LOGGER = logging.getLogger(__name__)
# Only then a person has seen the mask.
READ_STATUSES = ("corrected", "approved")


def reader_masks(
    folders: Sequence[Path], names: Sequence[str], given: Sequence[GivenMask], rater: str | None
) -> tuple[ReaderMask | None, ...]:
    """The reader's mask of each visit, None for the model's. given: none at all is ``auto`` for every visit.

    ``auto`` finds the mask of a visit whose images lie in a case library: the rater's, or where none is named the latest.
    """
    chosen = given or [GivenMask(mask=AUTOMATIC)] * len(folders)
    masks = tuple(_mask(folder, name, each, rater) for folder, name, each in zip(folders, names, chosen, strict=True))
    if rater is not None and not any(mask is not None and mask.rater == rater for mask in masks):
        raise RequestError(
            f"no visit is a case of a library that {rater} has drawn on",
            remedy="give the visits as the library has them",
        )
    return masks


def check_masks(found: Sequence[Source], masks: Sequence[ReaderMask | None]) -> None:
    """Refuse what is no mask of its visit, before anything slow begins."""
    for source, mask in zip(found, masks, strict=True):
        if mask is None:
            continue
        if source.result is not None:
            apply_readers_mask(source.result, mask)
        else:
            read_labels(mask, read_image(find_exam(source.folder).chosen[Modality.FLAIR]))


def find_library_case(folder: Path) -> tuple[Path, CaseId] | None:
    """The library and the case whose images a folder holds; None where it is no library's."""
    place = folder.absolute()
    for library in place.parents:
        if not resolve_inside(library, DERIVATIVES).is_dir():
            continue
        parts = [part for part in place.relative_to(library).parts if part != "anat"]
        try:
            case = parse_case("/".join(parts))
        except RequestError:
            return None
        is_its = case.folder in (PurePosixPath(*parts), PurePosixPath(*parts, "anat"))
        return (library, case) if is_its and resolve_inside(library, case.record).is_file() else None
    return None


def _mask(folder: Path, name: str, given: GivenMask, rater: str | None) -> ReaderMask | None:
    if given.mask == MODEL:
        return None
    if given.mask != AUTOMATIC:
        path = Path(given.mask)
        if not path.is_file():
            raise RequestError(
                f"the mask for {name}, {path.name}, does not exist",
                remedy=f"give a file, or {MODEL} for the model's lesions",
            )
        return ReaderMask(path, given.rater)
    found = find_library_case(folder)
    if found is None:
        return None
    library, case = found
    record = open_case(library, case)
    if record.status not in READ_STATUSES or not record.raters:
        return None
    own = _rater(record, rater)
    LOGGER.info("%s is compared as %s corrected it (%s)", name, own, record.status)
    others = tuple(sorted(set(record.raters) - {own}))
    return ReaderMask(resolve_inside(library, case.rater_mask(own)), own, others)


def _rater(record: CaseRecord, wanted: str | None) -> str:
    """Whose mask of a case counts: the one named, else the latest."""
    if wanted is None:
        latest = max(record.raters, key=lambda rater: (record.raters[rater].time, rater))
        if len(record.raters) > 1:
            LOGGER.warning(
                "%d raters drew on %s: the latest mask is taken, by %s; choose with --rater",
                len(record.raters),
                record.case_id,
                latest,
            )
        return latest
    if wanted not in record.raters:
        raise RequestError(
            f"{record.case_id} has no mask by {wanted}, but by {', '.join(sorted(record.raters))}",
            remedy="name one of them with --rater, or leave it out for the latest mask",
        )
    return wanted
