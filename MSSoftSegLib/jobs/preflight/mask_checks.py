"""Masks that no rater draws, and patients who read like visits of one; as far as a few seconds reach."""

from __future__ import annotations

import time
from collections.abc import Sequence

import SimpleITK as sitk

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import read_image, read_mask
from MSSoftSegLib.exam.label_doubts import find_mask_doubts, value_counts
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.preflight.case_checks import NAMED, describe_count, list_names
from MSSoftSegLib.jobs.preflight.finding import PreflightFinding, Severity, make_finding
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.visits import find_names_told_apart
from MSSoftSegLib.softlabel.rater_images import check_label_map

LONGEST_S = 3.0
REMEDY = "look at the mask over its FLAIR, mend it, or exclude the case"


def check_masks(cases: Sequence[LabeledCase], *, longest_s: float = LONGEST_S) -> list[PreflightFinding]:
    """Values without a meaning, masks of the whole brain, masks of nothing; one finding for all that are empty."""
    drawn = [case for case in cases if case.raters]
    end_s = time.monotonic() + longest_s
    findings: list[PreflightFinding] = []
    empty: list[str] = []
    for looked_at, case in enumerate(drawn):
        if time.monotonic() > end_s:
            findings.append(
                PreflightFinding(
                    "note", f"the masks of {describe_count(looked_at, 'case')} of {len(drawn)} were looked at"
                )
            )
            break
        try:
            found = _doubts(case)
        except MSSoftSegError as problem:
            findings.append(make_finding(problem))
            continue
        findings += [PreflightFinding("warning", f"lesions of {case.case}: {doubt}", REMEDY) for doubt in found or ()]
        empty += [case.case] if found is None else []
    return findings + _empty(empty, len(drawn))


def _doubts(case: LabeledCase) -> list[str] | None:
    """What is implausible about a case's masks; None where all of them are empty."""
    flair = read_image(case.images[Modality.FLAIR])
    brain = voxels(flair) != 0
    found: list[str] = []
    marked = False
    for path in case.raters.values():
        mask: sitk.Image = read_mask(path, like=flair)
        labels = check_label_map(mask, path.name)
        marked |= bool(value_counts(labels))
        if labels.any():
            found += find_mask_doubts(labels, name=path.name, brain=brain)
    return found if marked else None


def _empty(names: Sequence[str], drawn: int) -> list[PreflightFinding]:
    if not names:
        return []
    severity: Severity = "warning" if len(names) * 2 > drawn else "note"
    message = f"no lesion at all is marked in {describe_count(len(names), 'case')} of {drawn} ({list_names(names)})"
    return [
        PreflightFinding(
            severity, message, "right for exams without lesions only; look whether labels were lost on the way"
        )
    ]


def find_alike_patients(cases: Sequence[LabeledCase]) -> list[PreflightFinding]:
    """Patients whose names differ like visits: training and validation could share a person."""
    pairs = find_names_told_apart(sorted({case.patient for case in cases}))
    return [
        PreflightFinding(
            "warning",
            f"the patients {one} and {other} read like two visits of one person, who could train and judge",
            "give both the same patient and sessions of their own, if they are one",
        )
        for one, other in pairs[:NAMED]
    ]
