"""What a case's record becomes when something is added. No file is touched here."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import PurePosixPath

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_change import CaseChange, MaskFacts
from MSSoftSegLib.library.case_record import (
    CaseRecord,
    EarlierMask,
    HistoryEntry,
    RaterEntry,
    SoftLabelEntry,
    Status,
    find_status_problem,
    list_files,
    read_clock,
)
from MSSoftSegLib.library.layout import CaseId


def make_record(
    before: CaseRecord | None, change: CaseChange, facts: MaskFacts, changed: Mapping[PurePosixPath, str]
) -> CaseRecord:
    """The record after a change. facts: of the masks brought. changed: checksums of the files that are put in place."""
    case, time = change.case, read_clock()
    old = before.checksums if before else {}
    # A damaged file that is put in place again is no news.
    changed = {name: value for name, value in changed.items() if old.get(str(name)) != value}
    raters, earlier = _raters(before, change, facts, changed, time)
    checksums = {**old, **{str(name): value for name, value in changed.items()}}
    soft_label = _soft_label(before, change, checksums, time)
    present = {*(before.images if before else ()), *change.images}
    images = tuple(modality for modality in Modality if modality in present)
    kept = [case.earlier_mask(mask.rater, mask.version) for mask in earlier]
    names = {str(name) for name in (*list_files(case, images, raters, soft_label), *kept)}
    after = CaseRecord(
        patient=case.patient,
        session=case.session,
        status=_status(before, change, raters=raters, soft_label=soft_label),
        images=images,
        raters=raters,
        earlier=earlier,
        soft_label=soft_label,
        source_model=change.source_model or (before.source_model if before else None),
        findings=change.findings or (before.findings if before else None),
        preprocessed=_preprocessed(before, change),
        pseudo_labelled=soft_label is not None and not raters,
        checksums={name: value for name, value in sorted(checksums.items()) if name in names},
    )
    return _with_history(before, after, time, by=change.by)


def _raters(
    before: CaseRecord | None,
    change: CaseChange,
    facts: MaskFacts,
    changed: Mapping[PurePosixPath, str],
    time: datetime.datetime,
) -> tuple[dict[str, RaterEntry], tuple[EarlierMask, ...]]:
    """Raters after a change, and the masks that were replaced until now; one that is replaced now is among changed."""
    raters = dict(before.raters if before else {})
    earlier = list(before.earlier if before else ())
    for rater in sorted(change.raters):
        old = raters.get(rater)
        notes = change.notes if change.notes is not None else (old.notes if old else "")
        if change.case.rater_mask(rater) not in changed and old is not None:
            raters[rater] = old.model_copy(update={"notes": notes})
            continue
        raters[rater] = RaterEntry(
            time=time,
            edits=facts.edits.get(rater),
            version=old.version + 1 if old else 1,
            volume_ml=facts.volumes_ml.get(rater),
            notes=notes,
        )
        if old is not None and before is not None and change.case.earlier_mask(rater, old.version) in changed:
            approved = before.status == "approved"
            earlier.append(EarlierMask(rater=rater, version=old.version, time=old.time, approved=approved))
    return raters, tuple(earlier)


def _soft_label(
    before: CaseRecord | None, change: CaseChange, checksums: Mapping[str, str], time: datetime.datetime
) -> SoftLabelEntry | None:
    """The soft label after a change; its old entry where it is the same. checksums: of all files then."""
    old = before.soft_label if before else None
    name = change.brings_soft_label
    if name is None:
        return old
    fresh = SoftLabelEntry(
        name=name,
        confidence=change.confidence is not None,
        time=time,
        settings=change.softening,
        made_of={rater: checksums[str(change.case.rater_mask(rater))] for rater in sorted(change.made_of)},
    )
    files = [str(name) for name in _soft_files(change.case, fresh)]
    stored = before.checksums if before else {}
    if old is None or old.name != fresh.name or any(stored.get(name) != checksums.get(name) for name in files):
        return fresh
    # The same values again: whoever does not know how they were made does not make that unknown.
    known = fresh.model_copy(update={"time": old.time})
    if fresh.settings is None:
        known = known.model_copy(update={"settings": old.settings, "made_of": old.made_of})
    return old if known == old else fresh


def _status(
    before: CaseRecord | None,
    change: CaseChange,
    *,
    raters: Mapping[str, RaterEntry],
    soft_label: SoftLabelEntry | None,
) -> Status:
    """The status asked for; else the old one, but nobody approved a label that came later."""
    labeled = bool(raters) or soft_label is not None
    status = change.status
    if status is not None:
        if problem := find_status_problem(status, labeled=labeled):
            raise RequestError(f"{change.case} cannot be {problem}", remedy="choose another --status")
        return status
    if before is None or (before.status == "unlabelled" and labeled):
        return "segmented" if labeled else "unlabelled"
    versions = {rater: entry.version for rater, entry in before.raters.items()}
    relabeled = {rater: entry.version for rater, entry in raters.items()} != versions
    relabeled = relabeled or soft_label != before.soft_label
    return "corrected" if before.status == "approved" and relabeled else before.status


def _preprocessed(before: CaseRecord | None, change: CaseChange) -> bool:
    if before is None:
        return bool(change.preprocessed)
    if change.preprocessed is not None and change.images and change.preprocessed != before.preprocessed:
        stored = "preprocessed" if before.preprocessed else "native"
        raise RequestError(
            f"the images of {change.case} are stored as {stored}", remedy="add all images of a case alike"
        )
    return before.preprocessed


def _with_history(
    before: CaseRecord | None, after: CaseRecord, time: datetime.datetime, *, by: str | None = None
) -> CaseRecord:
    """The record with one more entry; the old record where nothing changed."""
    history = before.history if before else ()
    after = after.model_copy(update={"history": history})
    if before is not None and after == before:
        return before
    old = before.checksums if before else {}
    replaced = {name: value for name, value in old.items() if after.checksums.get(name) != value}
    words = ", ".join(_words(before, after)) or "changed"
    entry = HistoryEntry(time=time, change=words, replaced=replaced, by=by)
    return after.model_copy(update={"history": (*history, entry)})


def _words(before: CaseRecord | None, after: CaseRecord) -> list[str]:
    """What changed, in the past tense: names of files, never a word of the notes."""
    old = before.checksums if before else {}
    changed = [name for name, value in after.checksums.items() if old.get(name) != value]
    kept = {str(name) for name in after.earlier_files}
    words = [f"added {_base(name)}" for name in changed if name not in old and name not in kept]
    words += [f"replaced {_base(name)}" for name in changed if name in old]
    words += [f"kept {_base(name)}" for name in changed if name in kept]
    words += [f"removed {_base(name)}" for name in old if name not in after.checksums]
    soft, soft_before = after.soft_label, before.soft_label if before else None
    if soft is not None and soft.settings is not None and soft != soft_before:
        chosen = soft.settings.model_dump(mode="json", exclude_none=True)
        words.append(f"soft label {soft.name} by {' '.join(f'{key} {value}' for key, value in chosen.items())}")
    notes = {rater: entry.notes for rater, entry in (before.raters if before else {}).items()}
    words += [f"notes of {rater}" for rater, entry in after.raters.items() if entry.notes != notes.get(rater, "")]
    if after.findings is not None and (before is None or after.findings != before.findings):
        words.append(f"findings of {after.findings.model}")
    if before is None or before.status != after.status:
        words.append(f"status {after.status}")
    return words


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def replace_status(before: CaseRecord, status: Status, *, by: str | None = None) -> CaseRecord:
    """The record with another status. by: who says so."""
    if problem := find_status_problem(status, labeled=before.is_labeled):
        raise RequestError(
            f"{before.case_id} cannot be {problem}", remedy="add a label first, or choose another status"
        )
    return _with_history(before, before.model_copy(update={"status": status}), read_clock(), by=by)


def _soft_files(case: CaseId, entry: SoftLabelEntry) -> set[PurePosixPath]:
    return {case.soft_label(entry.name), case.confidence(entry.name)}
