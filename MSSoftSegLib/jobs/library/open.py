"""The ``library-open`` job: a case's files, verified to be what was saved, for opening them in Slicer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from MSSoftSegLib.jobs.documents.library.open import LibraryOpenJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.layout import parse_case, resolve_inside
from MSSoftSegLib.library.opening import open_case
from MSSoftSegLib.library.worklist import make_row

SHARES = {"verifying": 1.0}


def run_library_open(job: LibraryOpenJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the library's folder."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    reporter.progress("verifying", 0.0)
    library = spec.library.absolute()
    record = open_case(library, parse_case(spec.case))
    reporter.progress("verifying", 1.0)
    reporter.result(library.name, describe_case(library, record))
    return library


def describe_case(library: Path, record: CaseRecord) -> dict[str, Any]:
    """All that a person needs who works on this case: where things lie, and what is known of them."""
    case, row = record.case_id, make_row(record)
    uncertainty = ("psu", "worst_lesion_lsu", "mean_entropy", "soft_volume_ml", "volume_ml")

    def path(name: PurePosixPath) -> str:
        return str(resolve_inside(library, name))

    raters = {
        rater: {
            "path": path(case.rater_mask(rater)),
            "sha256": record.checksums[str(case.rater_mask(rater))],
            "time": entry.time.isoformat(),
            "version": entry.version,
            "notes": entry.notes,
        }
        for rater, entry in record.raters.items()
    }
    kept = ("case", "patient", "session", "status", "notes", "source_model", "preprocessed", "changed")
    return {
        **{key: row[key] for key in kept},
        "images": {str(modality): path(case.image(modality)) for modality in record.images},
        "raters": raters,
        "soft_label": _soft_label(library, record),
        "uncertainty": {key: row[key] for key in uncertainty},
        "earlier": [
            {
                "rater": mask.rater,
                "version": mask.version,
                "path": path(case.earlier_mask(mask.rater, mask.version)),
                "time": mask.time.isoformat(),
                "approved": mask.approved,
            }
            for mask in record.earlier
        ],
        "working": {},
    }


def _soft_label(library: Path, record: CaseRecord) -> dict[str, Any] | None:
    soft = record.soft_label
    if soft is None:
        return None
    return {
        "path": str(resolve_inside(library, record.case_id.soft_label(soft.name))),
        "name": soft.name,
        "settings": None if soft.settings is None else soft.settings.model_dump(mode="json"),
        "current": record.soft_label_is_current,
    }
