"""The ``library-export`` job: cases of a library in the layout that another tool reads, complete or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.documents.library.export import LibraryExportJob, LibraryExportSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.library.exporting.bids import export_bids
from MSSoftSegLib.library.exporting.case_labels import LabelChoice
from MSSoftSegLib.library.exporting.dicom_seg import export_dicom_seg
from MSSoftSegLib.library.exporting.exported import Exported, Progress
from MSSoftSegLib.library.exporting.isbi_submission import export_isbi_submission
from MSSoftSegLib.library.exporting.monai_datalist import export_datalist
from MSSoftSegLib.library.exporting.nifti import export_nifti
from MSSoftSegLib.library.exporting.nnunet import export_nnunet
from MSSoftSegLib.library.layout import parse_case
from MSSoftSegLib.library.library_settings import read_settings
from MSSoftSegLib.library.reading import check_is_library
from MSSoftSegLib.softlabel.settings import Merge

# Formats that take one mask a case.
ONE_MASK = ("nnunet", "dicom-seg")


def run_library_export(job: LibraryExportJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; what was exported."""
    spec = job.spec
    reporter = Reporter(job.job, {"exporting": 1.0}, emit, cancelled)
    reporter.started(job.kind)
    check_is_library(spec.library)
    _check_place(spec)
    exported = _export(spec, lambda fraction, case: reporter.progress("exporting", fraction, case))
    reporter.progress("exporting", 1.0)
    reporter.result(spec.out.name, _summary(exported))
    return spec.out


def _export(spec: LibraryExportSpec, progress: Progress) -> Exported:
    cases = [parse_case(name) for name in spec.cases]
    labels = LabelChoice(rater=spec.rater, merge=_merge(spec), soft_label=spec.soft_label)
    chosen: dict[str, Any] = {"statuses": spec.statuses, "cases": cases}
    common: dict[str, Any] = {"overwrite": spec.overwrite, "progress": progress}
    if spec.format == "isbi-submission":
        assert spec.predictions is not None
        assert spec.team is not None
        return export_isbi_submission(spec.library, spec.out, predictions=spec.predictions, team=spec.team, **common)
    if spec.format == "dicom-seg":
        assert spec.dicom is not None
        return export_dicom_seg(spec.library, spec.out, source=spec.dicom, labels=labels, **chosen, **common)
    export = {
        "nifti": export_nifti,
        "bids": export_bids,
        "nnunet": export_nnunet,
        "monai-datalist": export_datalist,
    }[spec.format]
    return export(spec.library, spec.out, labels=labels, **chosen, **common)


def _merge(spec: LibraryExportSpec) -> Merge | None:
    """How raters become one mask: as asked; where one is needed and nobody says, as the soft mask, or the library, has it."""
    if spec.merge is not None or spec.rater is not None or spec.format not in ONE_MASK:
        return spec.merge
    default = spec.soft_label or read_settings(spec.library).softening
    return None if default is None else default.merge


def _check_place(spec: LibraryExportSpec) -> None:
    """Refuse to write into what is read from: a library's folder holds cases only, and a source stays as it is."""
    sources = {"the case library": spec.library, "the DICOM source": spec.dicom, "the predictions": spec.predictions}
    for what, folder in sources.items():
        if folder is not None and spec.out.resolve().is_relative_to(folder.resolve()):
            raise RequestError(f"the export would lie inside {what}", remedy="choose an --out elsewhere")


def _summary(exported: Exported) -> dict[str, Any]:
    return {
        "cases": len(exported.cases),
        "files": len(exported.files),
        "skipped": [{"case": skipped.case, "reason": skipped.reason} for skipped in exported.skipped],
    }
