"""Plain NIfTI files in one folder, for any program: each case's images, and beside them its masks under the same name."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.exporting.case_labels import (
    EVERY_RATER,
    LabelChoice,
    make_case_soft_mask,
    read_flair,
    read_masks,
)
from MSSoftSegLib.library.exporting.exported import (
    Exported,
    Progress,
    check_unchanged,
    list_exported_files,
    say_nothing,
    write_mark,
)
from MSSoftSegLib.library.exporting.selection import select_cases
from MSSoftSegLib.library.layout import IMAGE_SUFFIX, CaseId, resolve_inside
from MSSoftSegLib.result_folder import write_completely

TABLE = "cases.csv"
COLUMNS = ("case", "patient", "session", "status", *(str(modality) for modality in Modality), "masks", "soft_mask")


def export_nifti(
    library: Path,
    out: Path,
    *,
    statuses: Sequence[Status],
    cases: Sequence[CaseId] = (),
    labels: LabelChoice = EVERY_RATER,
    overwrite: bool = False,
    progress: Progress = say_nothing,
) -> Exported:
    """Write ``CASE_FLAIR.nii.gz`` and its like, ``CASE_mask.nii.gz`` and ``CASE_soft.nii.gz`` into a new folder, and a table.

    Of several raters that are not merged, each has a ``CASE_mask-RATER.nii.gz``. Masks lie on FLAIR's grid: 1 = lesion,
    2 = possible lesion.
    """
    selection = select_cases(library, statuses, cases, labeled=True)
    check_unchanged(out)
    with write_completely(out, overwrite=overwrite) as folder:
        rows = []
        for number, record in enumerate(selection.records):
            progress(number / len(selection.records), str(record.case_id))
            rows.append(_write_case(library, record, labels, folder))
        with (folder / TABLE).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)
        files = list_exported_files(folder)
        write_mark(folder, "nifti")
    return Exported(tuple(str(record.case_id) for record in selection.records), files, selection.skipped)


def _write_case(library: Path, record: CaseRecord, labels: LabelChoice, folder: Path) -> Mapping[str, str]:
    """Write one case; its row of the table."""
    case = record.case_id
    row = {"case": str(case), "patient": case.patient, "session": case.session or "", "status": record.status}
    for modality in record.images:
        row[str(modality)] = f"{case}_{IMAGE_SUFFIX[modality]}.nii.gz"
        shutil.copyfile(resolve_inside(library, case.image(modality)), folder / row[str(modality)])
    flair = read_flair(library, record)
    masks = read_masks(library, record, labels, flair)
    names = {who: f"{case}_mask-{who}.nii.gz" if len(masks) > 1 else f"{case}_mask.nii.gz" for who in masks}
    for who, mask in masks.items():
        write_image(mask, folder / names[who])
    row["masks"] = " ".join(names.values())
    soft = make_case_soft_mask(library, record, labels.soft_label, flair)
    if soft is not None:
        row["soft_mask"] = f"{case}_soft.nii.gz"
        write_image(soft, folder / row["soft_mask"])
    return row
