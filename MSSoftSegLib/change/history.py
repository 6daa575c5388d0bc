"""One lesion through more than two visits: the groups of neighboring pairs, joined where they share a lesion.

A faint focus, which no mask numbers, joins the group that lies in its place in the neighboring pair (``faint_history.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from MSSoftSegLib.change.comparison import Comparison, LesionChange
from MSSoftSegLib.change.faint_history import FaintFocus, find_group, list_faint_foci, soft_volumes_mm3

# A group of a pair of visits, by the pair's place and the group's id.
Member = tuple[int, int]


@dataclass(frozen=True)
class LesionHistory:
    """One focus. lesions: per visit the numbers of its lesions; volumes_mm3: per visit, native, 0 where there is none.

    groups: per pair of neighboring visits the ids of its groups there; words: per pair what was said, most telling first. faint:
    per visit whether no mask holds the focus there and its volume is the sum of the probabilities; never where no comparison
    lists it as faint.
    """

    id: int
    lesions: tuple[tuple[int, ...], ...]
    volumes_mm3: tuple[float, ...]
    groups: tuple[tuple[int, ...], ...]
    words: tuple[tuple[str, ...], ...]
    faint: tuple[bool, ...]


def lesion_histories(pairs: Sequence[Comparison]) -> tuple[LesionHistory, ...]:
    """Every focus of a series of visits, largest first; ``pairs`` are first and second visit, second and third, and so on."""
    members = {(pair, row.group.id): n for n, (pair, row) in enumerate(_rows(pairs))}
    if not members:
        return ()
    foci = {(focus.pair, focus.group): focus for focus in list_faint_foci(pairs)}
    rows, columns = np.array(_edges(pairs, members, foci), int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(members), len(members)))
    count, part = connected_components(graph, directed=False)
    own = [{member for member, n in members.items() if part[n] == number} for number in range(count)]
    histories = [_history(each, [foci[m] for m in sorted(each) if m in foci], pairs) for each in own]
    histories.sort(key=lambda history: (-max(history.volumes_mm3), history.lesions, history.groups))
    return tuple(
        LesionHistory(id, h.lesions, h.volumes_mm3, h.groups, h.words, h.faint) for id, h in enumerate(histories, 1)
    )


def _rows(pairs: Sequence[Comparison]) -> list[tuple[int, LesionChange]]:
    return [(pair, row) for pair, comparison in enumerate(pairs) for row in comparison.changes]


def _edges(
    pairs: Sequence[Comparison], members: Mapping[Member, int], foci: Mapping[Member, FaintFocus]
) -> list[tuple[int, int]]:
    """Groups of neighboring pairs that share a lesion of the visit between, or the place of a faint focus."""
    edges = []
    later = {(pair + 1, n): (pair, row.group.id) for pair, row in _rows(pairs) for n in row.group.after}
    for pair, row in _rows(pairs):
        own = members[(pair, row.group.id)]
        edges += [(own, members[later[(pair, n)]]) for n in row.group.before if (pair, n) in later]
    for member, focus in foci.items():
        found = find_group(pairs, focus)
        if found is not None and found in members:
            edges.append((members[member], members[found]))
    return edges


def _history(own: set[Member], foci: Sequence[FaintFocus], pairs: Sequence[Comparison]) -> LesionHistory:
    groups, words = [], []
    lesions: list[set[int]] = [set() for _ in range(len(pairs) + 1)]
    for pair, comparison in enumerate(pairs):
        rows = [row for row in comparison.changes if (pair, row.group.id) in own]
        rows.sort(key=lambda row: -(row.decision.probability or 0.0))
        groups.append(tuple(row.group.id for row in rows))
        words.append(tuple(dict.fromkeys(row.change.value for row in rows)))
        for row in rows:
            lesions[pair].update(row.group.before)
            lesions[pair + 1].update(row.group.after)
    numbers = tuple(tuple(sorted(each)) for each in lesions)
    volumes = [_volume(pairs, visit, each) for visit, each in enumerate(numbers)]
    faint = _faint_volumes(pairs, numbers, groups, foci)
    shown = tuple(faint.get(visit, volume) for visit, volume in enumerate(volumes))
    return LesionHistory(0, numbers, shown, tuple(groups), tuple(words), tuple(v in faint for v in range(len(volumes))))


def _faint_volumes(
    pairs: Sequence[Comparison],
    lesions: Sequence[tuple[int, ...]],
    groups: Sequence[tuple[int, ...]],
    foci: Sequence[FaintFocus],
) -> dict[int, float]:
    """The soft volume (mm³) at each visit where the focus is there without a lesion of the mask."""
    found: dict[int, float] = {}
    for focus in foci:
        if not lesions[focus.visit]:
            found[focus.visit] = found.get(focus.visit, 0.0) + focus.volume_mm3
    for focus in foci:
        volumes = soft_volumes_mm3(pairs, focus)
        for step in (1, -1):
            visit = focus.visit
            # Where the next comparison lists nothing in its place nothing changed: it is still as faint as it was.
            while visit in found and 0 <= visit + step <= len(pairs) and not groups[min(visit, visit + step)]:
                visit += step
                found.setdefault(visit, volumes[visit])
    return found


def _volume(pairs: Sequence[Comparison], visit: int, numbers: Sequence[int]) -> float:
    """mm³ of these lesions on the visit's native grid."""
    if not numbers:
        return 0.0
    own = pairs[visit].before if visit < len(pairs) else pairs[-1].after
    return own.volume_of(numbers)
