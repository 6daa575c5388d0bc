"""Adding to a case library: several people can add at once, to the same case too, and none loses anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch, RequestError
from MSSoftSegLib.exam.geometry import Grid, same_grid
from MSSoftSegLib.exam.image_file import read_image, sha256_of_file
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.library.additions import Addition, record_with
from MSSoftSegLib.library.case_record import CaseRecord, ModelFindings, Status
from MSSoftSegLib.library.differences import count_edits, edits_of_replaced, labels_of, what_differs
from MSSoftSegLib.library.intake import Source, copy_whole, store_image, store_mask, store_probability
from MSSoftSegLib.library.layout import DERIVATIVES, CaseId, inside
from MSSoftSegLib.library.reading import check_is_library, file_problem, find_case
from MSSoftSegLib.library.transaction import change, patient_locked, staging
from MSSoftSegLib.softlabel.settings import SoftLabelSettings

LESION = 1


@dataclass(frozen=True)
class Given:
    """The files (or images in memory) of an addition. edited_from: the mask that the raters started from."""

    images: Mapping[Modality, Source]
    raters: Mapping[str, Source]
    soft_label: Source | None
    soft_label_name: str
    confidence: Source | None
    edited_from: Source | None


def add_case(
    library: Path,
    *,
    patient: str,
    session: str | None = None,
    images: Mapping[Modality, Source] | None = None,
    raters: Mapping[str, Source] | None = None,
    soft_label: Source | None = None,
    soft_label_name: str = "soft",
    confidence: Source | None = None,
    status: Status | None = None,
    preprocessed: bool | None = None,
    source_model: str | None = None,
    edited_from: Source | None = None,
    notes: str | None = None,
    findings: ModelFindings | None = None,
    softening: SoftLabelSettings | None = None,
    replace: bool = False,
) -> CaseRecord:
    """Add a case, or add images, raters' label maps and a soft label to one that is there; returns its record.

    images: by modality, FLAIR among them for a new case. raters: label maps on FLAIR's grid (1 = lesion, 2 = possible
    lesion) by rater. soft_label, confidence: values from 0 to 1 on FLAIR's grid. Each a file or an image in memory.
    status: None gives a new case 'segmented' where it is labelled, else 'unlabelled', and keeps that of an old one.
    preprocessed: the images are aligned and brain-extracted, on one grid. edited_from: the mask that raters started from,
    for counting their edits. softening: how the soft label was made. notes: the raters' free text, which must not name the
    patient; findings: of a model. None keeps what is there. A label that is there and differs is refused unless replace
    (a replaced mask is kept as an earlier version); an image always.
    """
    case = CaseId(patient, session)
    given = Given(
        dict(images or {}), dict(raters or {}), soft_label, soft_label_name, confidence, edited_from=edited_from
    )
    check_is_library(library)
    check_spelling(library, case)
    check_given(given)
    addition = Addition(
        case=case,
        images=frozenset(given.images),
        raters=frozenset(given.raters),
        soft_label=None if soft_label is None else soft_label_name,
        confidence=confidence is not None,
        status=status,
        preprocessed=preprocessed,
        source_model=source_model,
        by=next(iter(given.raters)) if len(given.raters) == 1 else None,
        findings=findings,
        notes=notes,
        settings=softening,
    )
    with staging(library) as folder:
        staged, addition = stage_files(library, folder, given, addition)
        with patient_locked(library, case):
            return put_in_place(library, folder, staged, addition, replace=replace)


def put_in_place(
    library: Path, folder: Path, staged: Mapping[PurePosixPath, Path], addition: Addition, *, replace: bool
) -> CaseRecord:
    """Compare with what is there now, and put in place what is new; the patient must be locked."""
    check_spelling(library, addition.case)
    before = find_case(library, addition.case)
    _check_label_spelling(before, addition)
    changed = what_differs(library, before, staged)
    edits = {**edits_of_replaced(library, before, addition, changed), **addition.edits}
    changed |= _replaced_masks(library, folder, before, addition, changed)
    checksums = {name: sha256_of_file(path) for name, path in changed.items()}
    record = record_with(before, dataclasses.replace(addition, edits=edits), checksums)
    if before is not None:
        _check_no_image_replaced(before, record)
        if not replace:
            _check_nothing_lost(before, record)
    # A damaged file is put in place again even where the record stays the same.
    if record != before or changed:
        removals = () if before is None else tuple(set(before.files) - set(record.files))
        change(library, folder, record, staged=changed, removals=removals)
    return record


def _replaced_masks(
    library: Path, folder: Path, before: CaseRecord | None, addition: Addition, changed: Mapping[PurePosixPath, Path]
) -> dict[PurePosixPath, Path]:
    """Copies of the masks that are about to be replaced, by the name under which they are kept; damaged ones are not."""
    kept = {}
    for rater, entry in (before.raters if before else {}).items():
        name = addition.case.rater_mask(rater)
        there = inside(library, name)
        if before is None or name not in changed or file_problem(there, before.checksums[str(name)]) is not None:
            continue
        if sha256_of_file(changed[name]) == before.checksums[str(name)]:
            continue
        keep = addition.case.earlier_mask(rater, entry.version)
        kept[keep] = folder / f"earlier_{keep.name}"
        copy_whole(there, kept[keep])
    return kept


def check_given(given: Given) -> None:
    if given.confidence is not None and given.soft_label is None:
        raise RequestError("a confidence map goes with a soft label", remedy="give the soft label too")
    names = [rater.casefold() for rater in given.raters]
    if len(set(names)) < len(names):
        raise RequestError("two raters' names differ in capitals only", remedy="give each rater a name of its own")


def stage_files(
    library: Path, folder: Path, given: Given, addition: Addition
) -> tuple[dict[PurePosixPath, Path], Addition]:
    """Every given file, checked and written whole into the folder, by final name; the addition knows edits and volumes."""
    case = addition.case
    staged: dict[PurePosixPath, Path] = {}

    def place(name: PurePosixPath) -> Path:
        return staged.setdefault(name, folder / name.name)

    read = {modality: store_image(source, place(case.image(modality))) for modality, source in given.images.items()}
    flair = read.get(Modality.FLAIR)
    if flair is None:
        _check_there(library, case)
        flair = read_image(inside(library, case.image(Modality.FLAIR)))
    if addition.preprocessed:
        _check_one_grid(read, flair)
    edits, volumes_ml = {}, {}
    voxel_ml = Grid.of(flair).voxel_volume_mm3 / MM3_PER_ML
    for rater, source in given.raters.items():
        name = case.rater_mask(rater)
        labels = store_mask(source, place(name), like=flair, name=f"the mask of rater {rater}")
        volumes_ml[rater] = round(int(np.count_nonzero(labels == LESION)) * voxel_ml, 6)
        if given.edited_from is not None:
            edits[rater] = count_edits(labels_of(given.edited_from, flair), labels)
    if given.soft_label is not None:
        name = case.soft_label(given.soft_label_name)
        store_probability(given.soft_label, place(name), like=flair, name=name.name)
    if given.confidence is not None:
        name = case.confidence(given.soft_label_name)
        store_probability(given.confidence, place(name), like=flair, name=name.name)
    return staged, dataclasses.replace(addition, edits=edits, volumes_ml=volumes_ml)


def _check_there(library: Path, case: CaseId) -> None:
    if find_case(library, case) is None:
        raise RequestError(f"there is no case {case} yet", remedy="give its FLAIR image too")


def _check_one_grid(images: Mapping[Modality, sitk.Image], flair: sitk.Image) -> None:
    for modality, image in images.items():
        if not same_grid(image, flair):
            raise GridMismatch(
                f"{modality.upper()} and FLAIR do not share a grid, as preprocessed images do",
                remedy="add them without --preprocessed",
            )


def check_spelling(library: Path, case: CaseId) -> None:
    """On many network shares names that differ in capitals only are one name."""
    patient = f"sub-{case.patient}"
    for parent in (library, inside(library, DERIVATIVES)):
        _refuse_other_spelling(case, patient, (folder.name for folder in parent.glob("sub-*")))
        if case.session is not None:
            sessions = (f"{patient}_{folder.name}" for folder in (parent / patient).glob("ses-*"))
            _refuse_other_spelling(case, str(case), sessions)


def _refuse_other_spelling(case: CaseId, own: str, names: Iterable[str]) -> None:
    for name in names:
        if name != own and name.casefold() == own.casefold():
            raise RequestError(f"{case} differs from {name} in capitals only", remedy="spell the id as it is there")


def _check_label_spelling(before: CaseRecord | None, addition: Addition) -> None:
    soft = () if before is None or before.soft_label is None else (before.soft_label.name,)
    there = (*(before.raters if before else ()), *soft)
    for name in (*addition.raters, *((addition.soft_label,) if addition.soft_label else ())):
        if any(name != other and name.casefold() == other.casefold() for other in there):
            raise RequestError(
                f"{name} differs from a label of {addition.case} in capitals only", remedy="spell it as it is there"
            )


def _check_nothing_lost(before: CaseRecord, after: CaseRecord) -> None:
    for name in before.files:
        if after.checksums.get(str(name)) != before.checksums[str(name)]:
            raise RequestError(
                f"{name.name} is in the library already and differs",
                remedy="add --replace if this is meant, or use another rater's name",
            )


def _check_no_image_replaced(before: CaseRecord, after: CaseRecord) -> None:
    """Labels were drawn on the images that are there."""
    for modality in before.images:
        name = after.case_id.image(modality)
        if after.checksums[str(name)] != before.checksums[str(name)]:
            raise RequestError(
                f"{name.name} is in the library already and is another image",
                remedy="add this exam as another session, or under another patient's id",
            )
