"""What a case's record becomes when something is added. No file is touched here."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import (
    CaseRecord,
    Edits,
    HistoryEntry,
    RaterEntry,
    SoftLabelEntry,
    Status,
    files_of,
    now,
    status_problem,
)
from MSSoftSegLib.library.layout import CaseId


@dataclass(frozen=True)
class Addition:
    """What somebody adds to a case, new or not.

    images, raters: what is given, by modality and rater. soft_label: its name, None where none is given; confidence:
    whether a confidence map is given with it. status, preprocessed, source_model: None keeps what is there.
    """

    case: CaseId
    images: frozenset[Modality] = frozenset()
    raters: frozenset[str] = frozenset()
    soft_label: str | None = None
    confidence: bool = False
    status: Status | None = None
    preprocessed: bool | None = None
    source_model: str | None = None
    edits: Mapping[str, Edits] = field(default_factory=dict)


def record_with(before: CaseRecord | None, addition: Addition, changed: Mapping[PurePosixPath, str]) -> CaseRecord:
    """The record after an addition. changed: checksums of the files that are put in place."""
    case, time = addition.case, now()
    old = before.checksums if before else {}
    # A damaged file that is put in place again is no news.
    changed = {name: value for name, value in changed.items() if old.get(str(name)) != value}
    raters = dict(before.raters if before else {})
    for rater in sorted(addition.raters):
        if case.rater_mask(rater) in changed:
            raters[rater] = RaterEntry(time=time, edits=addition.edits.get(rater))
    soft_label = before.soft_label if before else None
    if addition.soft_label is not None:
        fresh = SoftLabelEntry(name=addition.soft_label, confidence=addition.confidence, time=time)
        same = soft_label is not None and fresh.model_copy(update={"time": soft_label.time}) == soft_label
        if not same or not changed.keys().isdisjoint(_soft_files(case, fresh)):
            soft_label = fresh
    present = {*(before.images if before else ()), *addition.images}
    images = tuple(modality for modality in Modality if modality in present)
    checksums = {**old, **{str(name): value for name, value in changed.items()}}
    names = {str(name) for name in files_of(case, images, raters, soft_label)}
    after = CaseRecord(
        patient=case.patient,
        session=case.session,
        status=_status(before, addition, raters=raters, soft_label=soft_label),
        images=images,
        raters=raters,
        soft_label=soft_label,
        source_model=addition.source_model or (before.source_model if before else None),
        preprocessed=_preprocessed(before, addition),
        pseudo_labelled=soft_label is not None and not raters,
        checksums={name: value for name, value in sorted(checksums.items()) if name in names},
    )
    return _with_history(before, after, time)


def _status(
    before: CaseRecord | None,
    addition: Addition,
    *,
    raters: Mapping[str, RaterEntry],
    soft_label: SoftLabelEntry | None,
) -> Status:
    """The status asked for; else the old one, but nobody approved a label that came later."""
    labelled = bool(raters) or soft_label is not None
    status = addition.status
    if status is not None:
        if problem := status_problem(status, labelled=labelled):
            raise RequestError(f"{addition.case} cannot be {problem}", remedy="choose another --status")
        return status
    if before is None or (before.status == "unlabelled" and labelled):
        return "segmented" if labelled else "unlabelled"
    relabelled = dict(raters) != before.raters or soft_label != before.soft_label
    return "corrected" if before.status == "approved" and relabelled else before.status


def _preprocessed(before: CaseRecord | None, addition: Addition) -> bool:
    if before is None:
        return bool(addition.preprocessed)
    if addition.preprocessed is not None and addition.images and addition.preprocessed != before.preprocessed:
        stored = "preprocessed" if before.preprocessed else "native"
        raise RequestError(
            f"the images of {addition.case} are stored as {stored}", remedy="add all images of a case alike"
        )
    return before.preprocessed


def _with_history(before: CaseRecord | None, after: CaseRecord, time: datetime.datetime) -> CaseRecord:
    """The record with one more entry; the old record where nothing changed."""
    history = before.history if before else ()
    after = after.model_copy(update={"history": history})
    if before is not None and after == before:
        return before
    old = before.checksums if before else {}
    changed = [name for name, value in after.checksums.items() if old.get(name) != value]
    replaced = {name: value for name, value in old.items() if after.checksums.get(name) != value}
    words = [f"added {name.rpartition('/')[2]}" for name in changed if name not in old]
    words += [f"replaced {name.rpartition('/')[2]}" for name in changed if name in old]
    words += [f"removed {name.rpartition('/')[2]}" for name in old if name not in after.checksums]
    if before is None or before.status != after.status:
        words.append(f"status {after.status}")
    entry = HistoryEntry(time=time, change=", ".join(words) or "changed", replaced=replaced)
    return after.model_copy(update={"history": (*history, entry)})


def with_status(before: CaseRecord, status: Status) -> CaseRecord:
    """The record with another status."""
    if problem := status_problem(status, labelled=before.is_labelled):
        raise RequestError(
            f"{before.case_id} cannot be {problem}", remedy="add a label first, or choose another status"
        )
    return _with_history(before, before.model_copy(update={"status": status}), now())


def _soft_files(case: CaseId, entry: SoftLabelEntry) -> set[PurePosixPath]:
    return {case.soft_label(entry.name), case.confidence(entry.name)}
