"""A raw data set as nnU-Net 2 reads it: one file a channel on FLAIR's grid, one label map, ``dataset.json``.

nnU-Net takes one label map a case: one rater's, or several merged. Possible lesion becomes nnU-Net's "ignore" label. Its
channels share a grid: native T1 and T2 are resampled to FLAIR's by their headers alone, which is right only as far as the
patient lay still.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.label_values import POSSIBLE_LESION
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.exporting.case_labels import EVERY_RATER, LabelChoice, check_rater, read_flair, read_masks
from MSSoftSegLib.library.exporting.exported import (
    Exported,
    Progress,
    check_unchanged,
    list_exported_files,
    say_nothing,
    write_mark,
)
from MSSoftSegLib.library.exporting.one_grid import resample_to_flair
from MSSoftSegLib.library.exporting.selection import select_cases
from MSSoftSegLib.library.importing.own_export import find_own_export_field
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.result_folder import write_completely

DATASET_NAME = "Dataset501_MSLesion"


def export_nnunet(
    library: Path,
    out: Path,
    *,
    statuses: Sequence[Status],
    cases: Sequence[CaseId] = (),
    labels: LabelChoice = EVERY_RATER,
    overwrite: bool = False,
    progress: Progress = say_nothing,
) -> Exported:
    """Write ``Dataset501_MSLesion`` into a new folder. labels: whose masks, or merged how; neither = the first by name.

    Channels are the modalities that every case has.
    """
    selection = select_cases(library, statuses, cases, drawn=True)
    records = selection.records
    for record in records:
        check_rater(record, labels.rater)
    check_unchanged(out)
    channels = [modality for modality in Modality if all(modality in record.images for record in records)]
    with write_completely(out, overwrite=overwrite) as folder:
        target = folder / DATASET_NAME
        for name in ("imagesTr", "labelsTr"):
            (target / name).mkdir(parents=True)
        possible = []
        for number, record in enumerate(records):
            progress(number / len(records), str(record.case_id))
            possible.append(_write_case(library, record, labels, channels, target))
        text = json.dumps(_description(channels, records, ignore=any(possible)), indent=2)
        (target / "dataset.json").write_text(text + "\n", encoding="utf-8")
        files = list_exported_files(folder)
        write_mark(folder, "nnunet")
    return Exported(tuple(str(record.case_id) for record in records), files, selection.skipped)


def _write_case(
    library: Path, record: CaseRecord, labels: LabelChoice, channels: Sequence[Modality], target: Path
) -> bool:
    """Write one case; whether it has possible lesion."""
    case = record.case_id
    flair = read_flair(library, record)
    for number, modality in enumerate(channels):
        image = resample_to_flair(library, record, modality, flair)
        write_image(image, target / "imagesTr" / f"{case}_{number:04d}.nii.gz")
    first = labels if labels.merge is not None else replace(labels, rater=labels.rater or min(record.raters))
    (mask,) = read_masks(library, record, first, flair).values()
    write_image(mask, target / "labelsTr" / f"{case}.nii.gz")
    return bool((voxels(mask) == POSSIBLE_LESION).any())


def _description(channels: Sequence[Modality], records: Sequence[CaseRecord], *, ignore: bool) -> dict[str, object]:
    labels = {"background": 0, "lesion": 1}
    return {
        "channel_names": {str(number): modality.upper() for number, modality in enumerate(channels)},
        # The ignore label is the highest one.
        "labels": {**labels, "ignore": POSSIBLE_LESION} if ignore else labels,
        "numTraining": len(records),
        "file_ending": ".nii.gz",
        # By this our own import knows what "ignore" is; nnU-Net does not look at it.
        **find_own_export_field(records, possible_lesion=POSSIBLE_LESION if ignore else None),
    }
