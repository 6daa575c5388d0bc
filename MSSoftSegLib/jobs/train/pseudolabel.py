"""The ``pseudolabel`` job: a teacher labels exams that nobody labelled, for a student (Docs/methods.md section 4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from MSSoftSegLib.errors import JobFailed
from MSSoftSegLib.jobs.documents.pseudolabel import PseudolabelJob
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.training.pseudo_labels.labeling import LabelingRequest, Listener, label_exams

SHARES = {"model": 1.0, "finding": 2.0, "exams": 97.0}


def run_pseudolabel(job: PseudolabelJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the library's folder. JobFailed where an exam could not be labelled, after all others were."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    request = LabelingRequest(
        unlabeled=spec.unlabelled,
        out=spec.out,
        choices=spec.pseudo_labels,
        preprocessed=spec.preprocessed,
        brain=spec.brain,
        align_to=spec.align_to,
        use_cache=spec.use_cache,
    )
    listener = Listener(reporter.progress, reporter.metric, cancelled)
    counts = label_exams(spec.model, request, device=spec.device, listener=listener)
    if counts["failed"]:
        raise JobFailed(
            f"{counts['failed']} of the {sum(counts.values())} exams could not be labelled; the others are done",
            remedy="see the warnings above for each exam's reason, and run again for what is missing",
        )
    model = find_bundle(spec.model).description.name
    reporter.result(spec.out.name, {**counts, "mode": spec.pseudo_labels.mode, "model": model})
    return spec.out
