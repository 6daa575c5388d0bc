"""A raw data set as nnU-Net 2 reads it: one file a channel on FLAIR's grid, one label map, ``dataset.json``.

nnU-Net takes one label map a case: one rater's. Possible lesion becomes nnU-Net's "ignore" label. Its channels share a grid:
native T1 and T2 are resampled to FLAIR's by their headers alone, which is right only as far as the patient lay still.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.geometry import Grid, resample, same_grid, voxels
from MSSoftSegLib.exam.image_file import read_image, read_mask, write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import CaseRecord, Status
from MSSoftSegLib.library.exporting.selection import chosen_cases
from MSSoftSegLib.library.layout import inside
from MSSoftSegLib.result_folder import complete_or_absent

LOGGER = logging.getLogger(__name__)
DATASET_NAME = "Dataset501_MSLesion"
POSSIBLE_LESION = 2


def export_nnunet(
    library: Path, out: Path, *, statuses: Sequence[Status], rater: str | None = None
) -> list[CaseRecord]:
    """Write ``Dataset501_MSLesion`` into a new folder. rater: whose masks; None = of each case the first by name.

    Channels are the modalities that every case has.
    """
    records = [record for record in chosen_cases(library, statuses, labelled=True) if record.raters]
    if not records:
        raise RequestError("no case has a rater's mask", remedy="nnU-Net takes no soft labels; choose another --format")
    for record in records:
        if rater is not None and rater not in record.raters:
            raise RequestError(
                f"{record.case_id} has no mask of rater {rater}",
                remedy=f"choose from {', '.join(sorted(record.raters))}",
            )
    channels = [modality for modality in Modality if all(modality in record.images for record in records)]
    with complete_or_absent(out, overwrite=False) as folder:
        target = folder / DATASET_NAME
        for name in ("imagesTr", "labelsTr"):
            (target / name).mkdir(parents=True)
        possible = [_write_case(library, record, rater, channels, target) for record in records]
        text = json.dumps(_description(channels, len(records), ignore=any(possible)), indent=2)
        (target / "dataset.json").write_text(text + "\n", encoding="utf-8")
    return records


def _write_case(
    library: Path, record: CaseRecord, rater: str | None, channels: Sequence[Modality], target: Path
) -> bool:
    """Write one case; whether it has possible lesion."""
    case = record.case_id
    flair = read_image(inside(library, case.image(Modality.FLAIR)))
    for number, modality in enumerate(channels):
        image = flair if modality is Modality.FLAIR else read_image(inside(library, case.image(modality)))
        if not same_grid(image, flair):
            LOGGER.warning("%s of %s is resampled to FLAIR by its header, not aligned", modality.upper(), case)
            image = _resampled(image, flair, name=case.image(modality).name)
        write_image(image, target / "imagesTr" / f"{case}_{number:04d}.nii.gz")
    mask = read_mask(inside(library, case.rater_mask(rater or min(record.raters))), flair)
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
