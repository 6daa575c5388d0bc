"""Which cases two models are compared on: none that either of them learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.documents.model_comparison import CompareModelsSpec
from MSSoftSegLib.library.case_record import STATUSES, Status
from MSSoftSegLib.library.datalist import read_datalist
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.reading import read_labeled_cases
from MSSoftSegLib.library.same_exam import FINGERPRINTS, compute_fingerprint
from MSSoftSegLib.library.training_cases import is_datalist
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.training.run_folder import Member, read_choosing, read_members


@dataclass(frozen=True)
class JudgedCase:
    """A case, and which of the second model's networks may be asked about it (None = all of the model): numbers count through the
    model's own networks and then through those that chose its operating point."""

    case: LabeledCase
    members: tuple[int, ...] | None


@dataclass(frozen=True)
class LeftOut:
    """A case that cannot judge, and why."""

    case: str
    reason: str


def choose_judging_cases(
    spec: CompareModelsSpec, first: Bundle, second: Bundle
) -> tuple[list[JudgedCase], list[LeftOut]]:
    """The cases that can judge both models, and those that were asked for and cannot."""
    members = None
    if spec.run is not None:
        members = read_members(spec.run)
        if len(members) != len(second.description.files):
            raise RequestError(
                f"{second.folder.name} has {len(second.description.files)} networks and its run {len(members)}",
                remedy="give the run that made this model",
            )
        members += read_choosing(spec.run)
    judged, left_out = [], []
    for case in _asked_for(spec, members):
        mark = compute_fingerprint(case)
        unseen = None if members is None else _members_without(case.case, members)
        if mark in _learned(first):
            left_out.append(LeftOut(case.case, "the old model learned from it"))
        elif unseen is None and mark in _learned(second):
            left_out.append(LeftOut(case.case, "the new model learned from it"))
        else:
            judged.append(JudgedCase(case, unseen))
    return judged, left_out


def _asked_for(spec: CompareModelsSpec, members: Sequence[Member] | None) -> list[LabeledCase]:
    if members is not None:
        names = sorted({name for member in members for name in member.held_out})
        return _named(_labeled(spec.library, STATUSES), names, spec.library)
    if spec.cases:
        return _named(_labeled(spec.library, STATUSES), spec.cases, spec.library)
    return _labeled(spec.library, spec.statuses)


def _labeled(library: Path, statuses: Sequence[Status]) -> list[LabeledCase]:
    """Cases that a rater labelled: what a model said is no truth to judge models by."""
    cases = read_datalist(library) if is_datalist(library) else read_labeled_cases(library, statuses=statuses)
    return [case for case in cases if case.raters]


def _named(cases: Sequence[LabeledCase], names: Sequence[str], library: Path) -> list[LabeledCase]:
    known = {case.case: case for case in cases}
    missing = [name for name in names if name not in known]
    if missing:
        raise RequestError(
            f"{library.name} has no case {missing[0]} with a rater's mask", remedy="see mssoftseg library list"
        )
    return [known[name] for name in names]


def _members_without(case: str, members: Sequence[Member]) -> tuple[int, ...]:
    return tuple(number for number, member in enumerate(members) if case in member.held_out)


def _learned(bundle: Bundle) -> frozenset[str]:
    marks: Any = bundle.description.training.get(FINGERPRINTS, ())
    return frozenset(str(mark) for mark in marks) if isinstance(marks, list | tuple) else frozenset()
