"""Sensitivity and false alarms per fate, size and slice thickness, as lines of a table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from truth import Focus, PairTruth

from MSSoftSegLib.change.calibration import ChangeCalibration
from MSSoftSegLib.change.classes import CHANGED, ChangeClass, decide
from MSSoftSegLib.phantom.two_visits import Fate

MM_OF_AXIS = (0, 3, 5, 8, 100)
# What counts as the right word. A lesion that grew out of what nobody saw is new to whoever looks.
RIGHT = {
    Fate.UNCHANGED: {ChangeClass.STABLE},
    Fate.NEW: {ChangeClass.NEW},
    Fate.GROWING: {ChangeClass.ENLARGING, ChangeClass.NEW},
    Fate.SHRINKING: {ChangeClass.SHRINKING, ChangeClass.RESOLVED},
    Fate.VANISHING: {ChangeClass.RESOLVED},
    Fate.MERGING: {ChangeClass.MERGED, ChangeClass.ENLARGING},
}


def table(truths: Sequence[PairTruth], own: ChangeCalibration) -> list[str]:
    """Figures on pairs that the constants have not seen."""
    decided = {
        (j.pair, j.group.id): decide(j.group, j.evidence, calibration=own).change for t in truths for j in t.groups
    }
    lines = [
        "| fate | longest axis (mm) | foci | segmented | changed class | right class | not decidable |",
        "|---|---|---|---|---|---|---|",
    ]
    for fate in Fate:
        for low, high in itertools.pairwise(MM_OF_AXIS):
            foci = [f for t in truths for f in t.foci if f.fate is fate and low <= f.axis_mm < high]
            if foci:
                lines.append(_line(fate, f"{low}–{high}" if high < 100 else f"≥ {low}", foci, decided))
    for name, chosen in (
        ("unchanged", [t for t in truths if t.calm]),
        ("changed", [t for t in truths if not t.calm]),
    ):
        false = [decided[j.pair, j.group.id] for t in chosen for j in t.groups if j.fate in (None, Fate.UNCHANGED)]
        alarms, limbo = sum(c in CHANGED for c in false), sum(c is ChangeClass.NOT_DECIDABLE for c in false)
        pairs, groups = max(len(chosen), 1), max(len(false), 1)
        lines += [
            "",
            f"{name} pairs: n = {len(chosen)}, groups that did not change {len(false)}, called changed {alarms} "
            f"({alarms / pairs:.2f} a pair, {30 * alarms / groups:.2f} among 30 lesions), not decidable {limbo} "
            f"({30 * limbo / groups:.2f} among 30)",
        ]
    new = [f for t in truths for f in t.foci if f.fate is Fate.NEW and f.axis_mm >= 3]
    hit = sum(any(decided[f.pair, g] in CHANGED for g in f.groups) for f in new)
    lines += ["", f"new lesions of at least 3 mm: {hit} of {len(new)} called changed ({hit / max(len(new), 1):.2f})"]
    return lines


def _line(fate: Fate, size: str, foci: Sequence[Focus], decided: dict[tuple[int, int], ChangeClass]) -> str:
    classes = [{decided[f.pair, g] for g in f.groups} for f in foci]
    seen = sum(bool(c) for c in classes)
    changed = sum(bool(c & CHANGED) for c in classes)
    right = sum(bool(c & RIGHT[fate]) for c in classes)
    limbo = sum(ChangeClass.NOT_DECIDABLE in c and not c & CHANGED for c in classes)
    shares = f"{changed} ({changed / len(foci):.2f}) | {right} ({right / len(foci):.2f})"
    return f"| {fate} | {size} | {len(foci)} | {seen} | {shares} | {limbo} |"


def by_protocol(truths: Sequence[PairTruth], own: ChangeCalibration) -> list[str]:
    """False alarms and new lesions by slice thickness."""
    lines = ["| FLAIR slices | pairs | false changes a pair | new ≥ 3 mm called changed |", "|---|---|---|---|"]
    for words in sorted({t.slices for t in truths}):
        chosen = [t for t in truths if t.slices == words]
        decided = {
            (j.pair, j.group.id): decide(j.group, j.evidence, calibration=own).change for t in chosen for j in t.groups
        }
        false = sum(
            decided[j.pair, j.group.id] in CHANGED for t in chosen for j in t.groups if j.fate in (None, Fate.UNCHANGED)
        )
        new = [f for t in chosen for f in t.foci if f.fate is Fate.NEW and f.axis_mm >= 3]
        hit = sum(any(decided[f.pair, g] in CHANGED for g in f.groups) for f in new)
        lines.append(f"| {words} | {len(chosen)} | {false / len(chosen):.2f} | {hit} of {len(new)} |")
    return lines
