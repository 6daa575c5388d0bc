"""A library's labelled cases as one JSON data list for MONAI; images and labels stay where they are.

Only what is nowhere yet is written, into a folder ``NAME_labels`` beside ``NAME.json``: masks that are merged, soft masks that
are made for the export, and images of cases whose images lie on different grids, which MONAI's LoadImaged does not put together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.errors import OutputExists
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.library.case_record import STATUSES, CaseRecord, Status
from MSSoftSegLib.library.datalist import SECTION, write_datalist
from MSSoftSegLib.library.exporting.case_labels import (
    EVERY_RATER,
    LabelChoice,
    check_rater,
    make_case_soft_mask,
    read_flair,
    read_masks,
)
from MSSoftSegLib.library.exporting.exported import (
    Exported,
    Progress,
    check_unchanged,
    list_exported_files,
    read_format,
    say_nothing,
    write_mark,
)
from MSSoftSegLib.library.exporting.one_grid import have_one_grid, resample_to_flair
from MSSoftSegLib.library.exporting.selection import select_cases
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.library.reading import read_labeled_cases
from MSSoftSegLib.result_folder import check_target, write_completely

FORMAT = "monai-datalist"


def export_datalist(
    library: Path,
    out: Path,
    *,
    statuses: Sequence[Status],
    cases: Sequence[CaseId] = (),
    labels: LabelChoice = EVERY_RATER,
    overwrite: bool = False,
    progress: Progress = say_nothing,
) -> Exported:
    """Write the data list to a new file of exactly that name."""
    selection = select_cases(library, statuses, cases, labeled=True)
    _check_file(out, overwrite=overwrite)
    made_folder = out.with_name(f"{out.stem}_labels")
    check_unchanged(made_folder)
    replaces = overwrite or _is_left_over(made_folder)
    check_target(made_folder, overwrite=replaces)
    out.parent.mkdir(parents=True, exist_ok=True)
    by_name = {case.case: case for case in read_labeled_cases(library, statuses=STATUSES)}
    listed: list[LabeledCase] = []
    made: tuple[str, ...] = ()
    for record in selection.records:
        if record.raters:
            check_rater(record, labels.rater)
    on_one_grid = {record.case_id: have_one_grid(library, record) for record in selection.records}
    if labels.merge is None and labels.soft_label is None and all(on_one_grid.values()):
        listed = [_of_rater(by_name[str(record.case_id)], labels.rater) for record in selection.records]
    else:
        with write_completely(made_folder, overwrite=replaces) as folder:
            for number, record in enumerate(selection.records):
                progress(number / len(selection.records), str(record.case_id))
                case = by_name[str(record.case_id)]
                if not on_one_grid[record.case_id]:
                    case = _with_images(library, record, case, folder, made_folder)
                listed.append(_with_labels(library, record, case, labels, folder, made_folder))
            made = tuple(f"{made_folder.name}/{name}" for name in list_exported_files(folder))
            write_mark(folder, FORMAT)
    write_datalist(listed, out)
    names = tuple(str(record.case_id) for record in selection.records)
    return Exported(names, (out.name, *made), selection.skipped)


def _is_left_over(folder: Path) -> bool:
    """Whether a folder of labels is what a run left that was killed before its list was there: no file beside it names it."""
    if not folder.is_dir() or read_format(folder) != FORMAT:
        return False
    named = f"{folder.name}/".encode()
    return not any(named in path.read_bytes() for path in folder.parent.iterdir() if path.is_file())


def _check_file(out: Path, *, overwrite: bool) -> None:
    """Refuse a file that is there, unless it may be replaced and is a data list of ours."""
    if not out.exists():
        return
    if not overwrite:
        raise OutputExists(f"{out.name} is there already", remedy="choose another --out, or add --overwrite")
    try:
        entries = parse_json(out.read_bytes())[SECTION]
        ours = all({"case", "patient", "modalities", "image"} <= set(entry) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise OutputExists(
            f"{out.name} was not written by MSSoftSeg and is not overwritten", remedy="choose another --out"
        )


def _of_rater(case: LabeledCase, rater: str | None) -> LabeledCase:
    """The case with one rater's mask only, where one is asked for."""
    if rater is None or not case.raters:
        return case
    return dataclasses.replace(case, raters={rater: case.raters[rater]})


def _with_images(library: Path, record: CaseRecord, case: LabeledCase, folder: Path, place: Path) -> LabeledCase:
    """The case with its images on FLAIR's grid; they are written to folder and listed as in place."""
    flair = read_flair(library, record)
    images = {}
    for modality in record.images:
        name = record.case_id.image(modality).name
        write_image(resample_to_flair(library, record, modality, flair), folder / name)
        images[modality] = place / name
    return dataclasses.replace(case, images=images)


def _with_labels(
    library: Path, record: CaseRecord, case: LabeledCase, labels: LabelChoice, folder: Path, place: Path
) -> LabeledCase:
    """The case with the masks and the soft mask of the choice; what is new is written to folder and listed as in place."""
    flair = read_flair(library, record)
    raters, soft_label = _of_rater(case, labels.rater).raters, case.soft_label
    if labels.merge is not None and raters:
        name = f"{record.case_id}_mask.nii.gz"
        ((merge, mask),) = read_masks(library, record, labels, flair).items()
        write_image(mask, folder / name)
        raters = {merge.replace("-", ""): place / name}
    made = None if soft_label is not None else make_case_soft_mask(library, record, labels.soft_label, flair)
    if made is not None:
        soft_label = place / f"{record.case_id}_soft.nii.gz"
        write_image(made, folder / soft_label.name)
    return dataclasses.replace(case, raters=raters, soft_label=soft_label)
