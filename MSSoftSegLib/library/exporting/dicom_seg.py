"""A case's labels as DICOM Segmentation objects, for an archive: the only export that carries an identity.

It comes from the source series that the user points to; a library holds none. One case at a time, for a series belongs to one
person, and file names that do not say which case it was.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.dicom import codes
from MSSoftSegLib.dicom.packages import require_dicom
from MSSoftSegLib.dicom.placing import place_mask_on_source, place_soft_mask_on_source
from MSSoftSegLib.dicom.reading_back import check_written
from MSSoftSegLib.dicom.segmentation_object import Origin, write_mask, write_soft_mask
from MSSoftSegLib.dicom.source_series import SourceSeries, find_source
from MSSoftSegLib.errors import RequestError
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
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.result_files import DICOM_MASK_FILE
from MSSoftSegLib.result_folder import write_completely

LOGGER = logging.getLogger(__name__)
SOFT_MASK_FILE = "lesion_soft_mask.dcm"


def export_dicom_seg(
    library: Path,
    out: Path,
    *,
    source: Path,
    statuses: Sequence[Status],
    cases: Sequence[CaseId] = (),
    labels: LabelChoice = EVERY_RATER,
    overwrite: bool = False,
    progress: Progress = say_nothing,
) -> Exported:
    """Write ``lesion_mask.dcm`` (BINARY) and, where there is a soft mask, ``lesion_soft_mask.dcm`` (FRACTIONAL)."""
    require_dicom()
    selection = select_cases(library, statuses, cases, labeled=True)
    if len(selection.records) > 1:
        raise RequestError(
            f"{len(selection.records)} cases are chosen, and a DICOM source belongs to one",
            remedy="name the case with --case",
        )
    record = selection.records[0]
    _check_one_mask(record, labels)
    check_unchanged(out)
    progress(0.0, "reading the source series")
    flair = read_flair(library, record)
    series = find_source(source, flair)
    progress(0.5, "writing")
    with write_completely(out, overwrite=overwrite) as folder:
        _write(library, record, labels, flair, series, folder)
        files = list_exported_files(folder)
        write_mark(folder, "dicom-seg")
    LOGGER.warning("the files in %s carry the patient's identity", out.name)
    return Exported((str(record.case_id),), files, selection.skipped)


def _check_one_mask(record: CaseRecord, labels: LabelChoice) -> None:
    """Two masks of one patient in an archive could not be told apart: raters' names are not written."""
    if len(record.raters) > 1 and labels.rater is None and labels.merge is None:
        raise RequestError(
            f"{record.case_id} has masks of {len(record.raters)} raters, and one goes to the archive",
            remedy=f"choose a rater ({', '.join(sorted(record.raters))}) or a merge",
        )


def _write(
    library: Path, record: CaseRecord, labels: LabelChoice, flair: sitk.Image, series: SourceSeries, folder: Path
) -> None:
    for mask in read_masks(library, record, labels, flair).values():
        array = place_mask_on_source(mask, series)
        write_mask(array, series, folder / DICOM_MASK_FILE, origin=_origin_of_mask(record))
        check_written(folder / DICOM_MASK_FILE, array, series.stack)
    soft = make_case_soft_mask(library, record, labels.soft_label, flair)
    if soft is not None:
        values = place_soft_mask_on_source(soft, series)
        write_soft_mask(values, series, folder / SOFT_MASK_FILE, origin=_origin_of_soft_mask(record))
        check_written(folder / SOFT_MASK_FILE, values, series.stack)


def _origin_of_mask(record: CaseRecord) -> Origin:
    """A person drew it, or corrected what a model had drawn."""
    if record.source_model is None:
        return Origin("MANUAL")
    algorithm = f"MSSoftSeg {record.source_model}"[:64]
    return Origin("AUTOMATIC" if record.status == "segmented" else "SEMIAUTOMATIC", algorithm)


def _origin_of_soft_mask(record: CaseRecord) -> Origin:
    if record.pseudo_labelled:
        return Origin("AUTOMATIC", f"MSSoftSeg {record.source_model or 'model'}"[:64])
    return Origin("SEMIAUTOMATIC", "MSSoftSeg soft label of raters' masks", codes.NEIGHBORHOOD_ANALYSIS)
