"""The constants of ``MSSoftSegLib/change/calibration.py`` from pairs whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from truth import PairTruth

from MSSoftSegLib.change.calibration import SHIPPED, ChangeCalibration, change_probability, features
from MSSoftSegLib.phantom.two_visits import Fate

FALSE_PER_PAIR = 0.2
# Lesions of a usual patient: what a rate per lesion means for a pair of visits.
LESIONS_PER_PAIR = 30
MOST_STABLE = 0.3


def fitted(truths: Sequence[PairTruth]) -> ChangeCalibration:
    """Constants from these pairs: the weights, then the two thresholds.

    The spread of repeats stays as it is shipped. What these pairs say of it (``repeats``) is steeper, and blocks hold no large
    lesion: by it a large real plaque that varies by 8 % would have changed. 46 groups of patient 12 of open_ms that no label
    touches vary by 0.07 to 0.12 at 60 to 270 mm³ whatever their size.
    """
    rows = [j for t in truths for j in t.groups if j.evidence.sign != 0 and j.evidence.compared >= 0.5]
    x = np.array([features(j.evidence) for j in rows])
    y = np.array([j.fate not in (None, Fate.UNCHANGED) for j in rows], float)
    weights = _logistic(x, y)
    own = replace(SHIPPED, intercept=float(weights[0]), weights=tuple(float(w) for w in weights[1:]))
    return replace(own, **_thresholds(truths, own))


def repeats(truths: Sequence[PairTruth]) -> dict[str, float]:
    """σ(V) of unchanged lesions by robust spread in bins of volume, a straight line in logarithms."""
    evidence = [
        j.evidence for t in truths for j in t.groups if j.fate is Fate.UNCHANGED and j.group.before and j.group.after
    ]
    volume = np.array([max(e.soft_before_mm3, e.soft_after_mm3) for e in evidence])
    ratio = np.array([e.log_ratio for e in evidence])
    order = np.argsort(volume)
    bins = [part for part in np.array_split(order, 8) if len(part) >= 10]
    sd = [np.subtract(*np.percentile(ratio[part], (84, 16))) / 2 for part in bins]
    slope, level = np.polyfit([np.log(np.median(volume[part]) / 100) for part in bins], np.log(sd), 1)
    return {"repeat_sd": float(np.exp(level)), "repeat_power": float(-slope)}


def _logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Intercept and weights, none below 0: each feature speaks for change."""
    design = np.hstack([np.ones((len(x), 1)), x])

    def loss(w: np.ndarray) -> float:
        logit = design @ w
        return float(np.mean(np.logaddexp(0, logit) - y * logit) + 1e-3 * np.sum(w[1:] ** 2))

    bounds = [(None, None)] + [(0, None)] * x.shape[1]
    return np.asarray(minimize(loss, np.zeros(design.shape[1]), bounds=bounds).x)


def _thresholds(truths: Sequence[PairTruth], own: ChangeCalibration) -> dict[str, float]:
    """changed_from: the allowed false alarms among these unchanged lesions; stable_up_to: a twentieth of changes lie below.

    Real visits differ in more than simulated ones: what is a third likely to have changed is never called stable.
    """
    false = [change_probability(j.evidence, own) for t in truths for j in t.groups if j.fate in (None, Fate.UNCHANGED)]
    allowed = int(FALSE_PER_PAIR * len(false) / LESIONS_PER_PAIR)
    high = float(np.clip(sorted(false, reverse=True)[allowed] + 0.01, 0.5, 0.98))
    true = [
        change_probability(j.evidence, own) for t in truths for j in t.groups if j.fate not in (None, Fate.UNCHANGED)
    ]
    low = float(np.clip(np.percentile(true, 5), 0.05, MOST_STABLE))
    return {"changed_from": round(high, 3), "stable_up_to": round(low, 3)}
