"""Adding to a case library: several people can add at once, to the same case too, and none loses anything."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch, RequestError
from MSSoftSegLib.exam.geometry import Grid, have_same_grid, voxels
from MSSoftSegLib.exam.image_file import compute_sha256, note_two_values, read_image, read_map
from MSSoftSegLib.exam.label_doubts import find_same_masks, find_soft_doubts
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import check_one_visit
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.library.additions import make_record
from MSSoftSegLib.library.case_change import CaseChange, MaskFacts
from MSSoftSegLib.library.case_record import CaseRecord, Edits
from MSSoftSegLib.library.differences import count_edits, count_edits_of_replaced, describe_difference, read_labels_of
from MSSoftSegLib.library.intake import copy_whole, store_image, store_mask, store_probability
from MSSoftSegLib.library.layout import DERIVATIVES, CaseId, resolve_inside
from MSSoftSegLib.library.reading import check_is_library, find_case, find_file_problem
from MSSoftSegLib.library.transaction import (
    check_arrived,
    commit_change,
    lock_patient,
    stage_in_place,
    watch_reachable,
)

LOGGER = logging.getLogger(__name__)


def add_case(library: Path, change: CaseChange, *, replace: bool = False) -> CaseRecord:
    """Add a case, or add images, raters' label maps and a soft label to one that is there; returns its record.

    A label that is there and differs is refused unless replace (a replaced mask is kept as an earlier version); an image always.
    Who brings one rater's mask is taken for that rater. BadLibrary where the library is gone before all is in it.
    """
    check_is_library(library)
    check_given(change)
    if change.by is None and len(change.raters) == 1:
        change = dataclasses.replace(change, by=next(iter(change.raters)))
    with watch_reachable(library):
        check_spelling(library, change.case)
        with stage_in_place(library) as folder:
            staged, facts = stage_files(library, folder, change)
            with lock_patient(library, change.case):
                record = put_in_place(library, folder, staged, change, facts, replace=replace)
        check_arrived(library, record)
    return record


def put_in_place(
    library: Path,
    folder: Path,
    staged: Mapping[PurePosixPath, Path],
    change: CaseChange,
    facts: MaskFacts,
    *,
    replace: bool,
) -> CaseRecord:
    """Compare with what is there now, and put in place what is new; the patient must be locked."""
    check_spelling(library, change.case)
    before = find_case(library, change.case)
    _check_label_spelling(before, change)
    changed = describe_difference(library, before, staged)
    edits = {**count_edits_of_replaced(library, before, change, changed), **facts.edits}
    changed |= _replaced_masks(library, folder, before, change, changed)
    checksums = {name: compute_sha256(path) for name, path in changed.items()}
    record = make_record(before, change, dataclasses.replace(facts, edits=edits), checksums)
    if before is not None:
        _check_no_image_replaced(before, record)
        if not replace:
            _check_nothing_lost(before, record)
    # A damaged file is put in place again even where the record stays the same.
    if record != before or changed:
        removals = () if before is None else tuple(set(before.files) - set(record.files))
        commit_change(library, folder, record, staged=changed, removals=removals)
    return record


def _replaced_masks(
    library: Path, folder: Path, before: CaseRecord | None, change: CaseChange, changed: Mapping[PurePosixPath, Path]
) -> dict[PurePosixPath, Path]:
    """Copies of the masks that are about to be replaced, by the name under which they are kept; damaged ones are not."""
    kept = {}
    for rater, entry in (before.raters if before else {}).items():
        name = change.case.rater_mask(rater)
        there = resolve_inside(library, name)
        if before is None or name not in changed or find_file_problem(there, before.checksums[str(name)]) is not None:
            continue
        if compute_sha256(changed[name]) == before.checksums[str(name)]:
            continue
        keep = change.case.earlier_mask(rater, entry.version)
        kept[keep] = folder / f"earlier_{keep.name}"
        copy_whole(there, kept[keep])
    return kept


def check_given(change: CaseChange) -> None:
    """Refuse a confidence map of nothing, and two raters that a disk without capitals takes for one."""
    if change.confidence is not None and change.soft_label is None:
        raise RequestError("a confidence map goes with a soft label", remedy="give the soft label too")
    names = [rater.casefold() for rater in change.raters]
    if len(set(names)) < len(names):
        raise RequestError("two raters' names differ in capitals only", remedy="give each rater a name of its own")


def stage_files(library: Path, folder: Path, change: CaseChange) -> tuple[dict[PurePosixPath, Path], MaskFacts]:
    """Every given file, checked and written whole into the folder, by final name; and what was counted in the masks."""
    case = change.case
    staged: dict[PurePosixPath, Path] = {}

    def place(name: PurePosixPath) -> Path:
        return staged.setdefault(name, folder / name.name)

    check_one_visit({modality: source for modality, source in change.images.items() if isinstance(source, Path)})
    read = {modality: store_image(source, place(case.image(modality))) for modality, source in change.images.items()}
    _note_copies(read, case)
    for modality, image in read.items():
        note_two_values(f"the {modality.upper()} image of {case}", image)
    flair = read.get(Modality.FLAIR)
    if flair is None:
        _check_there(library, case)
        flair = read_image(resolve_inside(library, case.image(Modality.FLAIR)))
    if change.preprocessed:
        _check_one_grid(read, flair)
    edits: dict[str, Edits] = {}
    volumes_ml: dict[str, float] = {}
    drawn: dict[str, np.ndarray] = {}
    doubts: tuple[str, ...] = ()
    voxel_ml = Grid.of(flair).voxel_volume_mm3 / MM3_PER_ML
    for rater, source in change.raters.items():
        name = case.rater_mask(rater)
        labels = store_mask(source, place(name), like=flair, name=f"the mask of rater {rater}")
        drawn[f"the mask of {rater}"] = labels
        volumes_ml[rater] = round(int(np.count_nonzero(labels == LESION)) * voxel_ml, 6)
        if change.edited_from is not None:
            edits[rater] = count_edits(read_labels_of(change.edited_from, flair), labels)
    if change.soft_label is not None:
        name = case.soft_label(change.soft_label_name)
        store_probability(change.soft_label, place(name), like=flair, name=name.name)
        soft = voxels(read_map(place(name), flair))
        doubts = find_soft_doubts(soft, name=f"the soft label of {case}", brain=voxels(flair) != 0)
    for doubt in (*find_same_masks(drawn), *doubts):
        LOGGER.warning("%s", doubt)
    if change.confidence is not None:
        name = case.confidence(change.soft_label_name)
        store_probability(change.confidence, place(name), like=flair, name=name.name)
    return staged, MaskFacts(edits, volumes_ml)


def _check_there(library: Path, case: CaseId) -> None:
    if find_case(library, case) is None:
        raise RequestError(f"there is no case {case} yet", remedy="give its FLAIR image too")


def _note_copies(images: Mapping[Modality, sitk.Image], case: CaseId) -> None:
    """One file under two names, or in two channels, is two contrasts by mistake; a training refuses it."""
    for (one, first), (other, second) in itertools.combinations(images.items(), 2):
        if np.array_equal(sitk.GetArrayViewFromImage(first), sitk.GetArrayViewFromImage(second)):
            LOGGER.warning("%s: %s and %s are the same image", case, one.upper(), other.upper())


def _check_one_grid(images: Mapping[Modality, sitk.Image], flair: sitk.Image) -> None:
    for modality, image in images.items():
        if not have_same_grid(image, flair):
            raise GridMismatch(
                f"{modality.upper()} and FLAIR do not share a grid, as preprocessed images do",
                remedy="add them without --preprocessed",
            )


def check_spelling(library: Path, case: CaseId) -> None:
    """On many network shares names that differ in capitals only are one name."""
    patient = f"sub-{case.patient}"
    for parent in (library, resolve_inside(library, DERIVATIVES)):
        _refuse_other_spelling(case, patient, (folder.name for folder in parent.glob("sub-*")))
        if case.session is not None:
            sessions = (f"{patient}_{folder.name}" for folder in (parent / patient).glob("ses-*"))
            _refuse_other_spelling(case, str(case), sessions)


def _refuse_other_spelling(case: CaseId, own: str, names: Iterable[str]) -> None:
    for name in names:
        if name != own and name.casefold() == own.casefold():
            raise RequestError(f"{case} differs from {name} in capitals only", remedy="spell the id as it is there")


def _check_label_spelling(before: CaseRecord | None, change: CaseChange) -> None:
    soft = () if before is None or before.soft_label is None else (before.soft_label.name,)
    there = (*(before.raters if before else ()), *soft)
    for name in (*change.raters, *((change.brings_soft_label,) if change.brings_soft_label else ())):
        if any(name != other and name.casefold() == other.casefold() for other in there):
            raise RequestError(
                f"{name} differs from a label of {change.case} in capitals only", remedy="spell it as it is there"
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
