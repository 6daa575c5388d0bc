"""One lesion through more than two visits: the groups of neighboring pairs, joined where they share a lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from MSSoftSegLib.change.comparison import Comparison

Lesion = tuple[int, int]


@dataclass(frozen=True)
class LesionHistory:
    """One focus. lesions: per visit the numbers of its lesions; volumes_mm3: per visit, native, 0 where there is none.

    groups: per pair of neighboring visits the ids of its groups there; words: per pair what was said, most telling first.
    """

    id: int
    lesions: tuple[tuple[int, ...], ...]
    volumes_mm3: tuple[float, ...]
    groups: tuple[tuple[int, ...], ...]
    words: tuple[tuple[str, ...], ...]


def lesion_histories(pairs: Sequence[Comparison]) -> tuple[LesionHistory, ...]:
    """Every focus of a series of visits, largest first; ``pairs`` are first and second visit, second and third, and so on."""
    nodes: dict[Lesion, int] = {}
    edges = []
    for pair, comparison in enumerate(pairs):
        # A faint focus has no lesion to be followed by.
        for row in (row for row in comparison.changes if not row.group.is_faint):
            members = [(pair, n) for n in row.group.before] + [(pair + 1, n) for n in row.group.after]
            numbers = [nodes.setdefault(member, len(nodes)) for member in members]
            edges += [(numbers[0], number) for number in numbers]
    if not nodes:
        return ()
    rows, columns = np.array(edges).T
    graph = coo_array((np.ones(len(edges)), (rows, columns)), shape=(len(nodes), len(nodes)))
    count, part = connected_components(graph, directed=False)
    histories = [_history(number, part, nodes, pairs) for number in range(count)]
    histories.sort(key=lambda history: (-max(history.volumes_mm3), history.lesions))
    return tuple(
        LesionHistory(id, h.lesions, h.volumes_mm3, h.groups, h.words) for id, h in enumerate(histories, start=1)
    )


def _history(number: int, part: np.ndarray, nodes: dict[Lesion, int], pairs: Sequence[Comparison]) -> LesionHistory:
    own = {lesion for lesion, node in nodes.items() if part[node] == number}
    visits = range(len(pairs) + 1)
    lesions = tuple(tuple(sorted(n for visit, n in own if visit == wanted)) for wanted in visits)
    groups, words = [], []
    for pair, comparison in enumerate(pairs):
        rows = [
            row
            for row in comparison.changes
            if set(row.group.before) & set(lesions[pair]) or set(row.group.after) & set(lesions[pair + 1])
        ]
        rows.sort(key=lambda row: -(row.decision.probability or 0.0))
        groups.append(tuple(row.group.id for row in rows))
        words.append(tuple(dict.fromkeys(row.change.value for row in rows)))
    volumes = tuple(_volume(pairs, visit, lesions[visit]) for visit in visits)
    return LesionHistory(0, lesions, volumes, tuple(groups), tuple(words))


def _volume(pairs: Sequence[Comparison], visit: int, numbers: Sequence[int]) -> float:
    """mm³ of these lesions on the visit's native grid."""
    if not numbers:
        return 0.0
    own = pairs[visit].before if visit < len(pairs) else pairs[-1].after
    return own.volume_of(numbers)
