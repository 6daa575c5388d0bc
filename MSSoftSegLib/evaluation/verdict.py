"""Is the new model better than the old one? A verdict from paired differences, strict about harm and slow to praise.

Harm needs no proof: on the few cases that a department has, waiting for certainty would let nearly all harm pass. A gain
does: "better" takes enough patients and an interval wholly above 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from MSSoftSegLib.evaluation.comparison import PairedDifference

Verdict = Literal["better", "worse", "undecided"]

# With fewer patients a bootstrap interval is narrower than it should be: of a model that is its predecessor's equal, all of 2
# fall by chance once in 4 times, all of 5 once in 32.
PATIENTS_FOR_CERTAINTY = 5
# Two trainings that differ in nothing but their seed differ by about this much. Lesion F1 jumps by whole lesions.
# Expected calibration error near lesions: higher is worse.
TOLERATED_FALL = {"dsc": 0.01, "lesion_f1": 0.05, "ece_lesion": 0.02}
# On the base patients, which the new model was not adapted to.
TOLERATED_FORGETTING = {"dsc": 0.02, "lesion_f1": 0.05}
HIGHER_IS_BETTER = {"dsc": True, "lesion_f1": True, "ece_lesion": False}
NAMES = {"dsc": "DSC", "lesion_f1": "lesion F1", "ece_lesion": "calibration error near lesions"}


@dataclass(frozen=True)
class Judged:
    """The verdict and why, in words for the user."""

    verdict: Verdict
    reason: str


def judge_candidate(
    held_out: Mapping[str, PairedDifference], base: Mapping[str, PairedDifference], *, patients: int
) -> Judged:
    """held_out, base: differences (second − first) by measure; patients: how many held-out ones there are.

    worse: a mean that moved the wrong way by more than is tolerated, on the held-out cases or on the base patients, or
    by less but with an interval of at least PATIENTS_FOR_CERTAINTY patients wholly on the wrong side. better: none of that,
    and such an interval of DSC wholly on the right side. undecided: anything else.
    """
    harms = [words for name in TOLERATED_FALL if (words := _harm(name, held_out.get(name), patients))]
    harms += [words for name in TOLERATED_FORGETTING if (words := describe_forgetting(name, base.get(name)))]
    if harms:
        return Judged("worse", "; ".join(harms))
    dsc = held_out.get("dsc")
    if dsc is None or dsc.n == 0 or patients == 0:
        return Judged("undecided", "there is no held-out case that could say whether the new model is better")
    words = _change("dsc", dsc)
    if patients < PATIENTS_FOR_CERTAINTY:
        return Judged(
            "undecided", f"{words}: {_counted(patients)} cannot tell, {PATIENTS_FOR_CERTAINTY} are needed for that"
        )
    if dsc.difference.low is not None and dsc.difference.low > 0:
        return Judged("better", words)
    return Judged("undecided", f"{words}: it may be chance")


def describe_forgetting(name: str, difference: PairedDifference | None) -> str | None:
    """What was forgotten of the base patients beyond what is tolerated, in words; None where nothing was."""
    if difference is None or difference.difference.mean is None:
        return None
    fall, limit = -difference.difference.mean, TOLERATED_FORGETTING[name]
    if fall <= limit:
        return None
    return f"on the base patients {_change(name, difference)}, more than the tolerated fall of {limit:g}"


def _harm(name: str, difference: PairedDifference | None, patients: int) -> str | None:
    if difference is None or difference.difference.mean is None:
        return None
    sign = 1.0 if HIGHER_IS_BETTER[name] else -1.0
    change = difference.difference
    assert change.mean is not None
    if sign * change.mean < -TOLERATED_FALL[name]:
        return f"{_change(name, difference)}, more than the tolerated {TOLERATED_FALL[name]:g}"
    best = change.high if sign > 0 else change.low
    if patients >= PATIENTS_FOR_CERTAINTY and best is not None and sign * best < 0:
        return f"{_change(name, difference)}, a small harm but a certain one"
    return None


def _change(name: str, found: PairedDifference) -> str:
    change = found.difference
    assert change.mean is not None
    assert found.first_mean is not None
    assert found.second_mean is not None
    interval = "" if change.low is None else f", 95 % interval {change.low:+.3f} to {change.high:+.3f}"
    moved = f"{NAMES[name]} went from {found.first_mean:.3f} to {found.second_mean:.3f}"
    return f"{moved} ({change.mean:+.3f}{interval}, n = {found.n})"


def _counted(patients: int) -> str:
    return f"{patients} patient{'' if patients == 1 else 's'}"
