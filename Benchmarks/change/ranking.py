"""How well a comparison finds the changes that are known, and how well P(change) orders what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegLib.change.classes import CHANGED, ChangeClass
from MSSoftSegLib.change.comparison import Comparison
from MSSoftSegLib.change.maps import midpoint_maps
from MSSoftSegLib.change.table import likeliest_first
from MSSoftSegLib.exam.geometry import voxels

# A known change is shown by the image where it differs by this many SDs of normal tissue, on average.
SHOWN_Z = 2.0
TOPS = (5, 10, 20)
THRESHOLDS = (0.9, 0.7, 0.5, 0.3, 0.1)
HEAD = (
    "| pair | known changes | shown by the image | touched by a group | of one called changed | in the right direction | groups "
    "| called changed | of these right | not decidable | F1 | AUC of P(change) | right among the first "
    f"{' / '.join(map(str, TOPS))} |"
)


@dataclass(frozen=True)
class Known:
    """A change that is known: where (bool, z, y, x), +1 more lesion at the later visit or −1 less, and mean z there that way."""

    inside: np.ndarray
    sign: int
    z: float


@dataclass(frozen=True)
class Found:
    """A group of ours: P(change), its class, the known changes at it and those of its own direction."""

    probability: float
    change: ChangeClass
    at: frozenset[int]
    right: frozenset[int]


def found_groups(comparison: Comparison, known: Sequence[Known], reach_mm: float) -> list[Found]:
    """Every group, likeliest change first, with the known changes that it comes as near as ``reach_mm`` to."""
    labels = voxels(midpoint_maps(comparison).labels).astype(int)
    touched = [set(np.unique(labels[_widened(each.inside, reach_mm)])) for each in known]
    found = []
    for row in likeliest_first(comparison.changes):
        at = frozenset(n for n, groups in enumerate(touched) if row.group.id in groups)
        right = frozenset(n for n in at if known[n].sign == row.evidence.sign)
        found.append(Found(row.decision.probability or 0.0, row.change, at, right))
    return found


def _widened(inside: np.ndarray, reach_mm: float) -> np.ndarray:
    """A mask and what lies as near to it, 1 mm voxels."""
    places = np.argwhere(inside)
    if not reach_mm or not len(places):
        return inside
    reach = int(np.ceil(reach_mm))
    low, high = np.maximum(places.min(axis=0) - reach, 0), places.max(axis=0) + reach + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    wide = np.zeros_like(inside)
    wide[box] = ndimage.distance_transform_edt(~inside[box]) <= reach_mm
    return wide


def measures(name: str, found: Sequence[Found], known: Sequence[Known]) -> str:
    """A line under HEAD."""
    said = [each for each in found if each.change in CHANGED]
    touched, named, right = (
        len(frozenset().union(*sets)) for sets in ([f.at for f in found], [f.at for f in said], [f.right for f in said])
    )
    true = sum(bool(each.right) for each in said)
    recall, precision = right / max(len(known), 1), true / max(len(said), 1)
    f1 = 2 * recall * precision / max(recall + precision, 1e-9)
    shown = sum(each.z >= SHOWN_Z for each in known)
    limbo = sum(each.change is ChangeClass.NOT_DECIDABLE for each in found)
    tops = " / ".join(str(sum(bool(each.right) for each in found[:k])) for k in TOPS)
    return (
        f"| {name} | {len(known)} | {shown} | {touched} | {named} | {right} | {len(found)} | {len(said)} | {true} | {limbo} "
        f"| {f1:.2f} | {auc(found)} | {tops} |"
    )


def auc(found: Sequence[Found]) -> str:
    """How often a group at a known change of its direction has a higher P(change) than one that is not; ties count half."""
    true, false = ([f.probability for f in found if bool(f.right) is kind] for kind in (True, False))
    if not true or not false:
        return "–"
    apart = np.subtract.outer(true, false)
    return f"{((apart > 0) + 0.5 * (apart == 0)).mean():.2f}"


def at_thresholds(found: Sequence[Found], known: int) -> str:
    """Cells of a row, one per threshold of P(change): known changes found of all, groups right of those said."""
    cells = []
    for least in THRESHOLDS:
        said = [each for each in found if each.probability >= least]
        right = len(frozenset().union(*(each.right for each in said)))
        cells.append(f"{right} of {known}; {sum(bool(each.right) for each in said)} of {len(said)}")
    return " | ".join(cells)
