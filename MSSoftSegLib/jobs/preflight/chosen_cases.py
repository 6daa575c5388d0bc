"""The cases that a training would take, and what is wrong with the choice, without reading an image."""

from __future__ import annotations

from collections.abc import Sequence

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.jobs.documents.train import TrainSpec
from MSSoftSegLib.jobs.preflight.finding import PreflightFinding, make_finding
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.reading import read_library
from MSSoftSegLib.library.training_cases import choose_training_cases, is_datalist, read_pseudo_labeled_cases


def choose_cases(spec: TrainSpec) -> tuple[list[LabeledCase], list[PreflightFinding]]:
    """Labelled cases, then pseudo-labelled ones, and what is wrong with the choice."""
    findings: list[PreflightFinding] = []
    cases: list[LabeledCase] = []
    try:
        cases = choose_training_cases(spec.library, spec.statuses)
        if not cases:
            findings.append(_no_case(spec))
        if not is_datalist(spec.library):
            findings += _left_out(spec)
        if spec.pseudo is not None:
            cases += read_pseudo_labeled_cases(spec.pseudo)
    except MSSoftSegError as problem:
        findings.append(make_finding(problem))
    return cases, findings


def _no_case(spec: TrainSpec) -> PreflightFinding:
    return PreflightFinding(
        "error",
        f"{spec.library.name} holds no labelled case with the status {' or '.join(spec.statuses)}",
        "approve cases, or choose other statuses",
    )


def _left_out(spec: TrainSpec) -> list[PreflightFinding]:
    """What the library holds besides."""
    others = [record.status for record in read_library(spec.library) if record.status not in spec.statuses]
    counts = {status: others.count(status) for status in sorted(set(others))}
    if not counts:
        return []
    listed = ", ".join(f"{count} {status}" for status, count in counts.items())
    return [
        PreflightFinding(
            "note", f"not trained on by their status: {listed}", "approve what is good, or choose statuses"
        )
    ]


def list_patients(cases: Sequence[LabeledCase]) -> list[str]:
    """Patients whom a rater has drawn on, or whose soft label was made from raters; in order of name."""
    return sorted({case.patient for case in cases if not case.is_pseudo_labelled})
