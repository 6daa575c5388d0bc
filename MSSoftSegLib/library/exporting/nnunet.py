"""A raw data set as nnU-Net 2 reads it: one file a channel on FLAIR's grid, one label map, ``dataset.json``.

nnU-Net takes one label map a case: one rater's, or several merged. Possible lesion becomes nnU-Net's "ignore" label. Its
channels share a grid: native T1 and T2 are resampled to FLAIR's by their headers alone, which is right only as far as the
patient lay still.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.errors import BadLibrary
from MSSoftSegLib.exam.geometry import Grid, image_like, resample, same_grid, voxels
from MSSoftSegLib.exam.image_file import read_image, write_image
from MSSoftSegLib.exam.label_values import POSSIBLE_LESION
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.exporting.case_labels import EVERY_RATER, LabelChoice, check_rater, masks_of, read_flair
from MSSoftSegLib.library.exporting.exported import Exported, Progress, check_unchanged, files_in, silent, write_mark
from MSSoftSegLib.library.exporting.selection import select_cases
from MSSoftSegLib.library.layout import CaseId, inside
from MSSoftSegLib.result_folder import complete_or_absent

LOGGER = logging.getLogger(__name__)
DATASET_NAME = "Dataset501_MSLesion"


def export_nnunet(
    library: Path,
    out: Path,
    *,
    statuses: Sequence[Status],
    cases: Sequence[CaseId] = (),
    labels: LabelChoice = EVERY_RATER,
    overwrite: bool = False,
    progress: Progress = silent,
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
    with complete_or_absent(out, overwrite=overwrite) as folder:
        target = folder / DATASET_NAME
        for name in ("imagesTr", "labelsTr"):
            (target / name).mkdir(parents=True)
        possible = []
        for number, record in enumerate(records):
            progress(number / len(records), str(record.case_id))
            possible.append(_write_case(library, record, labels, channels, target))
        text = json.dumps(_description(channels, len(records), ignore=any(possible)), indent=2)
        (target / "dataset.json").write_text(text + "\n", encoding="utf-8")
        files = files_in(folder)
        write_mark(folder, "nnunet")
    return Exported(tuple(str(record.case_id) for record in records), files, selection.skipped)


def _write_case(
    library: Path, record: CaseRecord, labels: LabelChoice, channels: Sequence[Modality], target: Path
) -> bool:
    """Write one case; whether it has possible lesion."""
    case = record.case_id
    flair = read_flair(library, record)
    for number, modality in enumerate(channels):
        image = flair if modality is Modality.FLAIR else read_image(inside(library, case.image(modality)))
        if not same_grid(image, flair):
            LOGGER.warning("%s of %s is resampled to FLAIR by its header, not aligned", modality.upper(), case)
            image = _resampled(image, flair, name=case.image(modality).name)
        # Headers that agree to rounding are made equal, for nnU-Net compares them.
        write_image(image_like(flair, voxels(image)), target / "imagesTr" / f"{case}_{number:04d}.nii.gz")
    first = labels if labels.merge is not None else replace(labels, rater=labels.rater or min(record.raters))
    (mask,) = masks_of(library, record, first, flair).values()
    write_image(mask, target / "labelsTr" / f"{case}.nii.gz")
    return bool((voxels(mask) == POSSIBLE_LESION).any())


def _resampled(image: sitk.Image, flair: sitk.Image, *, name: str) -> sitk.Image:
    moved = resample(image, Grid.of(flair))
    array = voxels(moved)
    if array.min() == array.max():
        raise BadLibrary(f"{name} and FLAIR do not overlap", remedy="exclude the case, or align its images first")
    return moved


def _description(channels: Sequence[Modality], count: int, *, ignore: bool) -> dict[str, object]:
    labels = {"background": 0, "lesion": 1}
    return {
        "channel_names": {str(number): modality.upper() for number, modality in enumerate(channels)},
        # The ignore label is the highest one.
        "labels": {**labels, "ignore": POSSIBLE_LESION} if ignore else labels,
        "numTraining": count,
        "file_ending": ".nii.gz",
    }
