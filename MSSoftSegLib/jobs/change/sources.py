"""The visits that a job names, looked at before anything slow begins: what can be refused is refused here."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.change.reading import is_result_folder, read_visit
from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.reading import find_exam
from MSSoftSegLib.exam.sidecar import PERSON_KEYS, first_difference, read_sidecar
from MSSoftSegLib.network.bundle import Bundle

# Of a converter's sidecar, what says when an image was taken; the first that both visits have decides.
DATE_KEYS = ("AcquisitionDateTime", "AcquisitionDate", "StudyDate", "SeriesDate")


@dataclass(frozen=True)
class Source:
    """One visit. result: what was segmented already, None where the folder holds an exam's images.

    checksums: of its image files. sidecars: the fields beside them.
    """

    name: str
    folder: Path
    result: Visit | None
    checksums: frozenset[str]
    sidecars: tuple[Mapping[str, object], ...]


def sources(folders: Sequence[Path]) -> tuple[Source, ...]:
    """The visits in order; BadExam where one cannot be used, two are the same, are of two people, or in the wrong order."""
    names = ("before", "after") if len(folders) == 2 else tuple(f"visit {n}" for n in range(1, len(folders) + 1))
    found = tuple(_source(name, folder) for name, folder in zip(names, folders, strict=True))
    for first, second in itertools.combinations(found, 2):
        _check_different(first, second)
        _check_one_person(first, second)
        _check_order(first, second)
    return found


def check_models(found: Sequence[Source], bundle: Bundle) -> None:
    """Refuse finished results of another model than the one that would segment the rest."""
    open_names = [source.name for source in found if source.result is None]
    if not open_names:
        return
    own = (bundle.description.name, bundle.description.version, bundle.sha256)
    for source in found:
        if source.result is not None and source.result.model != own:
            raise BadExam(
                f"{source.name} was segmented by {source.result.model[0]} {source.result.model[1]}, and {open_names[0]} "
                f"would be by {own[0]} {own[1]}: their lesions cannot be compared",
                remedy="choose that model with --model, or give the exam folder instead of the result",
            )


def _source(name: str, folder: Path) -> Source:
    if is_result_folder(folder):
        visit = read_visit(folder, name=name)
        checksums = frozenset(image.sha256 for image in visit.native_images.values() if image.sha256)
        return Source(name, folder, visit, checksums, ())
    chosen = find_exam(folder).chosen
    return Source(
        name,
        folder,
        None,
        frozenset(compute_sha256(path) for path in chosen.values()),
        tuple(read_sidecar(path) for path in chosen.values()),
    )


def _check_different(first: Source, second: Source) -> None:
    if first.checksums & second.checksums:
        raise BadExam(
            f"{first.name} and {second.name} are the same images", remedy="give the images of two different visits"
        )


def _check_one_person(first: Source, second: Source) -> None:
    for one, other in itertools.product(first.sidecars, second.sidecars):
        if key := first_difference(one, other, PERSON_KEYS):
            raise BadExam(
                f"{first.name} and {second.name} are of different patients: {key} differs in their JSON sidecars",
                remedy="give two visits of one patient; if they are, correct the sidecars",
            )


def _check_order(first: Source, second: Source) -> None:
    earlier, later = (_date(source) for source in (first, second))
    for key in DATE_KEYS:
        if key in earlier and key in later:
            if earlier[key] > later[key]:
                raise BadExam(
                    f"{first.name} was taken after {second.name}, by {key} in their JSON sidecars",
                    remedy="give the visits in the order of time",
                )
            return


def _date(source: Source) -> dict[str, str]:
    """Dates of a visit as digits, which sort as they are; of several images the earliest."""
    dates: dict[str, str] = {}
    for fields in source.sidecars:
        for key in DATE_KEYS:
            digits = "".join(c for c in str(fields.get(key) or "") if c.isdigit())
            if len(digits) >= 8:
                dates[key] = min(digits, dates.get(key, digits))
    return dates
