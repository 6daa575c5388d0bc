"""Visits of one patient, where a data set's names tell of them: a split that separates them is a leak.

"P01_visit1" and "P01_visit2" say so. "MS_001_01" and "MS_001_02", "P01a" and "P01b" may say so, and are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.plain_text import plain_letters

Visits = Literal["by-name", "none"]

_WORD = (
    "session|sess|ses|visit|visite|visita|besuch|vis|timepoint|time|tp|scan|study|studie|exam|month|monat|mois|mes|week|woche|year|"
    "jahr|baseline|followup|follow-up|fu|bl"
)
# The end of a name that says visit; what stands before it is the patient. A single letter only after a divider or a digit:
# "P01_v2" and "P01v2", not "Rev2".
_WORDED = (
    re.compile(rf"(?:{_WORD})[_\-. ]?\d{{1,8}}$"),
    re.compile(r"(?<=[_\-. ])(?:baseline|followup|follow-up|bl|fu|pre|post|before|after|prior)$"),
    re.compile(r"(?<=[_\-. \d])[vtmyw][_\-. ]?\d{1,3}$"),
    re.compile(r"(?<=[_\-. ])(?:19|20)\d{2}[_\-.]?\d{2}[_\-.]?\d{2}$"),
)
# The same where it stands first: "visit1_P001".
_WORDED_FIRST = re.compile(
    r"^(?:(?:visit|visite|visita|besuch|session|sess|ses|timepoint|tp|month|week|year)[_\-. ]?\d{1,8}"
    r"|baseline|followup|follow-up|bl|fu)(?=[_\-. ])"
)
# What may count visits: two digits, a year, a Roman number, a letter ("P001_b", "P001b").
_NUMBERED = re.compile(r"(?<=[_\-. ])(?:\d{1,2}|(?:19|20)\d{2}|i{1,3}|iv|v|[a-f])$|(?<=\d)[a-d]$")
_DIVIDERS = "_-. "
# Spreadsheets take them off.
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def find_visits(names: Sequence[str], *, how: Visits | None = None) -> dict[str, tuple[str, str]]:
    """Patient and visit of each name that tells of a visit; the other names are patients of their own.

    how: "by-name" also takes trailing numbers and letters for visits, "none" takes every name for a patient; None asks where they
    may be either (RequestError, with two names and what to say).
    """
    if how == "none":
        return {}
    worded = _shared([(name, _worded(name)) for name in names])
    if worded:
        patients = {patient for patient, _ in worded.values()}
        # "MS_scan_01" and "MS_scan_02": one person's, or a data set called MS.
        if how is None and len(patients) == 1 and not any(map(str.isdigit, min(patients))):
            raise _question(worded)
        return worded
    numbered = _shared([(name, _match(_NUMBERED, name)) for name in names])
    several = len({patient for patient, _ in numbered.values()}) > 1
    if not numbered or not (several or how == "by-name"):
        # One stem before all numbers is the data set's name, and the numbers are the patients'.
        return {}
    if how is None:
        raise _question(numbered)
    return numbered


def _question(visits: dict[str, tuple[str, str]]) -> RequestError:
    one, other = _first_pair(visits)
    return RequestError(
        f"{one} and {other} may be two visits of one patient; a split between them would be a leak",
        remedy="say --visits by-name if they are, --visits none if every case is another patient",
    )


def find_names_told_apart(patients: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of patients' names that read like visits of one, or like one number ("007", "7"), for a warning."""
    worded = _shared([(name, _worded(name)) for name in patients])
    by_patient: dict[str, list[str]] = {}
    for name, (patient, _) in worded.items():
        by_patient.setdefault(patient, []).append(name)
    pairs = [(names[0], names[1]) for names in by_patient.values() if len(names) > 1]
    by_number: dict[str, list[str]] = {}
    for name in patients:
        by_number.setdefault(_ZEROS.sub("", name), []).append(name)
    return pairs + [(names[0], names[1]) for names in by_number.values() if len(names) > 1]


def _worded(name: str) -> tuple[str, str] | None:
    return next((found for pattern in (*_WORDED, _WORDED_FIRST) if (found := _match(pattern, name)) is not None), None)


def _match(pattern: re.Pattern[str], name: str) -> tuple[str, str] | None:
    """The name cut into patient and visit; None where it does not tell of one."""
    lowered = plain_letters(name)
    found = pattern.search(lowered)
    if found is None:
        return None
    # The spelling stays as it is wherever lowering left every letter in its place.
    spelled = name if len(lowered) == len(name) else lowered
    patient = (spelled[found.end() :] if pattern is _WORDED_FIRST else spelled[: found.start()]).strip(_DIVIDERS)
    if not any(map(str.isalnum, patient)) or (pattern is _NUMBERED and not any(map(str.isdigit, patient))):
        return None
    return patient, found[0]


def _shared(found: Sequence[tuple[str, tuple[str, str] | None]]) -> dict[str, tuple[str, str]]:
    """Those of the names that tell of a visit, where at least two are of one patient; else none."""
    visits = {name: visit for name, visit in found if visit is not None}
    patients = [patient for patient, _ in visits.values()]
    return visits if len(set(patients)) < len(patients) else {}


def _first_pair(visits: dict[str, tuple[str, str]]) -> tuple[str, str]:
    seen: dict[str, str] = {}
    for name, (patient, _) in visits.items():
        if patient in seen:
            return seen[patient], name
        seen[patient] = name
    raise ValueError("no two names are of one patient")
