"""Prints the house as it stands: files in each room, imports between rooms, cycles, and what the plan does not allow.

python -m Testing.house.print_rooms [--arrows]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from Testing.house.imports import PACKAGES, cycles, files_in_rooms, module_arrows, modules, room_arrows
from Testing.house.plan import MOST_FILES, upward


def lines(*, with_arrows: bool) -> Iterator[str]:
    """What is printed."""
    files = files_in_rooms()
    for room, count in files.items():
        yield f"{count:4d} files  {room}{'  TOO MANY' if count > MOST_FILES else ''}"
    yield f"{sum(files.values())} files in {len(files)} rooms, at most {max(files.values())} in one"
    arrows = room_arrows()
    for package in PACKAGES:
        inside = {pair: count for pair, count in arrows.items() if all(each.startswith(package) for each in pair)}
        yield f"{package}: {sum(inside.values())} imports between rooms, in {len(inside)} directions"
        if with_arrows:
            yield from (f"{count:4d}  {start} → {end}" for (start, end), count in inside.items())
    circles = [*cycles(module_arrows()), *room_cycles()]
    yield f"{len(circles)} cycles"
    yield from (f"  {' ↔ '.join(each)}" for each in circles)
    found = [*upward()]
    yield f"{len(found)} upward imports"
    yield from (f"  {each}" for each in found)


def room_cycles() -> list[list[str]]:
    """Rooms of the plan that use each other; a package's own files stand outside."""
    rooms = {name: ".".join(module.room.split(".")[:2]) for name, module in modules().items()}
    pairs = {(rooms[start], rooms[end]) for start, end in module_arrows()}
    return cycles(pair for pair in pairs if pair[0] != pair[1] and all("." in each for each in pair))


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines(with_arrows="--arrows" in sys.argv[1:]))
