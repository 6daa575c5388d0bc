"""The ``library-save`` job: a rater's drawing into the case library, in one step that cannot be half done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.documents.library.save import LibrarySaveJob, LibrarySaveSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.jobs.library.findings import read_findings_of_case
from MSSoftSegLib.jobs.softmask.soft_label_sidecar import read_softening
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.layout import CaseId, check_id
from MSSoftSegLib.library.saving import Drawing, Saved, save_drawing

SHARES = {"checking": 1.0, "saving": 4.0}


def run_library_save(job: LibrarySaveJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the library's folder."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    reporter.progress("checking", 0.0)
    drawing = _drawing(spec)
    reporter.progress("saving", 0.0)
    saved = save_drawing(spec.library, drawing)
    reporter.progress("saving", 1.0)
    record = saved.record
    summary = {
        "case": str(record.case_id),
        "status": record.status,
        "rater": saved.rater,
        "version": str(record.raters[saved.rater].version),
        "conflict": saved.conflict,
        "sha256": saved.sha256,
        "new_library": saved.new_library,
        "message": _message(saved, spec),
    }
    reporter.result(spec.library.name, summary)
    return spec.library


def _drawing(spec: LibrarySaveSpec) -> Drawing:
    case = CaseId(spec.patient, spec.session)
    check_id(spec.rater, "rater name")
    flair = spec.images.get(Modality.FLAIR)
    findings = None if spec.result is None else read_findings_of_case(spec.result, spec.library, case, flair)
    softening, made_of = (None, ()) if spec.soft_label is None else read_softening(spec.soft_label)
    change = CaseChange(
        case=case,
        images=spec.images,
        raters={spec.rater: spec.mask},
        soft_label=spec.soft_label,
        soft_label_name=spec.soft_label_name,
        softening=softening,
        status=spec.status,
        source_model=spec.source_model or (findings.model if findings is not None else None),
        edited_from=spec.edited_from,
        notes=spec.notes,
        findings=findings,
    )
    return Drawing(change, compute_sha256(spec.mask), made_of=made_of, based_on=spec.based_on)


def _message(saved: Saved, spec: LibrarySaveSpec) -> str:
    case = saved.record.case_id
    if saved.conflict:
        return (
            f"{case}: the library holds another mask of {spec.rater} than the one you opened; nothing of it was changed, "
            f"yours is kept as {saved.rater}, and the case waits for approval"
        )
    under = f" under {saved.rater}, as before" if saved.rater != spec.rater else ""
    return f"{case} is saved as {saved.record.status}{under}"
