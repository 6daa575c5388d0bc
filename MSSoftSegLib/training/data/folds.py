"""Who trains and who is held out: drawn by patient, balanced by lesion load.

All visits of a patient are on one side. Pseudo-labelled cases are never held out, and those of a patient who is held out
are left out of that training: the model would be judged on a person it has seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.training.data.prepared_case import PreparedCase


@dataclass(frozen=True)
class Fold:
    """Cases to train on and cases to validate on, in the order given."""

    training: tuple[PreparedCase, ...]
    validation: tuple[PreparedCase, ...]


def draw_folds(cases: Sequence[PreparedCase], folds: int, seed: int) -> list[Fold]:
    """Every patient with a rater's mask is validated on in exactly one fold.

    Patients are sorted by load (mean soft volume of their visits) and cut into blocks of ``folds``; each block is dealt out in
    random order, one patient to a fold. So folds differ by one patient at most, and their total loads by no more
    than the largest load.
    """
    patients = _by_load(cases, seed)
    if folds < 2:
        raise RequestError(f"{folds} folds cannot be drawn", remedy="ask for two folds or more")
    if len(patients) < folds:
        raise RequestError(
            f"{len(patients)} patients with a rater's mask are too few for {folds} folds",
            remedy="ask for fewer folds, or add patients",
        )
    rng = np.random.default_rng([seed, folds])
    held_out: list[set[str]] = [set() for _ in range(folds)]
    for first in range(0, len(patients), folds):
        block = patients[first : first + folds]
        for fold, patient in zip(rng.permutation(folds), block, strict=False):
            held_out[fold].add(patient)
    return [_fold(cases, patients) for patients in held_out]


def hold_out(cases: Sequence[PreparedCase], share: float, seed: int) -> Fold:
    """One split: about this share of the patients is held out, at least one; with share 0 nobody is.

    Patients are sorted by load and cut into as many blocks as are to be held out; one is drawn from each.
    """
    if share == 0:
        return _fold(cases, ())
    patients = _by_load(cases, seed)
    count = count_held_out(len(patients), share)
    rng = np.random.default_rng([seed, count])
    blocks = np.array_split(np.arange(len(patients)), count)
    return _fold(cases, {patients[int(rng.choice(block))] for block in blocks})


def count_held_out(patients: int, share: float) -> int:
    """How many of so many labelled patients a share is; RequestError where nobody would be left to train on."""
    count = max(1, round(share * patients)) if share else 0
    if share and count >= patients:
        raise RequestError(
            f"{patients} patient{'s' if patients != 1 else ''} with a rater's mask are too few to hold out {share:.0%} of them",
            remedy="add patients, hold out a smaller share, or adapt a model with the recipe mssoftseg-adapt",
        )
    return count


def _by_load(cases: Sequence[PreparedCase], seed: int) -> list[str]:
    """Patients whom a rater has drawn on, by falling load; equal ones in random order."""
    loads: dict[str, list[float]] = {}
    for case in cases:
        if not case.is_pseudo_labelled:
            loads.setdefault(case.patient, []).append(case.soft_volume_ml)
    # By name first: the order in which cases are given must not matter.
    names = sorted(loads)
    ties = np.random.default_rng(seed).permutation(len(names))
    order = sorted(range(len(names)), key=lambda i: (-float(np.mean(loads[names[i]])), ties[i]))
    return [names[i] for i in order]


def _fold(cases: Sequence[PreparedCase], held_out: Collection[str]) -> Fold:
    return Fold(
        training=tuple(case for case in cases if case.patient not in held_out),
        validation=tuple(case for case in cases if case.patient in held_out and not case.is_pseudo_labelled),
    )
