"""The plan of the house as floors: how many they are, and which arrows are enough to draw them."""

from __future__ import annotations

from collections.abc import Mapping

from Testing.house.plan import LIBRARY

Plan = Mapping[str, set[str]]
_BELOW_JOBS = {room for room, lower in LIBRARY.items() if lower is not None and "jobs" not in lower}
_BELOW_DOORS = {room for room in LIBRARY if room not in ("cli", "api")}
# Jobs stand on all rooms but those that run jobs; the doors of the backend, shell and Python, on everything.
BACKEND: Plan = {
    room: (_BELOW_JOBS if room == "jobs" else _BELOW_DOORS) if lower is None else lower
    for room, lower in LIBRARY.items()
}


def floors(plan: Plan) -> dict[str, int]:
    """The floor of every room: 0 where it uses none, else one above the highest that it may use. ValueError on a cycle."""
    found: dict[str, int] = {}

    def floor(room: str, above: tuple[str, ...]) -> int:
        if room in above:
            raise ValueError("these rooms use each other: " + " → ".join([*above[above.index(room) :], room]))
        if room not in found:
            found[room] = 1 + max((floor(each, (*above, room)) for each in sorted(plan[room])), default=-1)
        return found[room]

    for room in plan:
        floor(room, ())
    return found


def shortest(plan: Plan) -> dict[str, set[str]]:
    """The arrows that no chain of other arrows makes needless."""

    def reached(room: str) -> set[str]:
        return set(plan[room]).union(*(reached(each) for each in plan[room]))

    return {
        room: {each for each in lower if not any(each in reached(other) for other in lower - {each})}
        for room, lower in plan.items()
    }
