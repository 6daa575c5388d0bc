"""Draws the floors of the backend and of the panel, from the plan that the tests hold the code to: Docs/pictures/floors.svg.

    python Docs/make/floors.py

A room may import those below it to which its arrows lead, directly or over other rooms. The SVG is written by hand here, so that
it is the same on every machine and a test can ask whether it is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from Testing.house.floors import BACKEND, floors, shortest  # noqa: E402
from Testing.house.plan import PANEL, SECTIONS  # noqa: E402
from Testing.MSSoftSegLib.test_house_rules import TORCH_FREE  # noqa: E402

PICTURE = ROOT / "Docs" / "pictures" / "floors.svg"
FLOOR_HEIGHT, BOX_HEIGHT, GAP, LETTER, MARGIN, TITLE = 62, 30, 14, 7.6, 24, 62
FREE, TORCH, SCREEN, LINE, INK = "#dcecf7", "#fbe3c8", "#e3f1dc", "#9aa7b2", "#1d2a35"


@dataclass(frozen=True)
class Box:
    """A room: its left edge and its floor's upper edge, in pixels."""

    name: str
    x: float
    y: float
    fill: str

    @property
    def width(self) -> float:
        """Wide enough for its name."""
        return width_of(self.name)

    @property
    def middle(self) -> float:
        """Where its arrows begin and end."""
        return self.x + self.width / 2


def width_of(name: str) -> float:
    """The width of a room with that name."""
    return len(name) * LETTER + 22


def by_floor(plan: Mapping[str, set[str]]) -> list[list[str]]:
    """Rooms floor by floor, from the ground up; each floor ordered so that its arrows cross little."""
    level = floors(plan)
    rows = [[room for room in sorted(plan) if level[room] == number] for number in range(max(level.values()) + 1)]
    arrows = shortest(plan)
    place: dict[str, float] = {}
    for row in rows:
        row.sort(key=lambda room: (sum(place[each] for each in arrows[room]) / max(1, len(arrows[room])), room))
        place.update({room: (number + 0.5) / len(row) for number, room in enumerate(row)})
    return rows


def laid_out(plan: Mapping[str, set[str]], left: float, top: float, fill: Mapping[str, str]) -> tuple[list[Box], float]:
    """Boxes of a building, the highest floor on top, and the building's width."""
    rows = by_floor(plan)
    widths = [sum(map(width_of, row)) + GAP * (len(row) - 1) for row in rows]
    building = max(widths)
    boxes = []
    for number, (row, width) in enumerate(zip(rows, widths, strict=True)):
        # Every floor is spread over the building, so that arrows run down rather than across.
        spread = (building - width) / (len(row) + 1)
        x = left + spread
        for room in row:
            boxes.append(Box(room, x, top + (len(rows) - 1 - number) * FLOOR_HEIGHT, fill[room]))
            x += width_of(room) + GAP + spread
    return boxes, building


def drawn(boxes: list[Box], plan: Mapping[str, set[str]]) -> list[str]:
    """Arrows first, boxes over them."""
    by_name = {box.name: box for box in boxes}
    lines = [
        f'<path d="{way(by_name[room], by_name[each], boxes)}" fill="none" stroke="{LINE}" marker-end="url(#tip)"/>'
        for room, lower in sorted(shortest(plan).items())
        for each in sorted(lower)
    ]
    for box in boxes:
        lines.append(
            f'<rect x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{BOX_HEIGHT}" rx="4" '
            f'fill="{box.fill}" stroke="{INK}" stroke-width="0.8"/>'
        )
        lines.append(text(box.middle, box.y + 20, box.name))
    return lines


def way(above: Box, below: Box, boxes: list[Box]) -> str:
    """From a room down to one that it uses: straight, or where rooms of floors between lie on that line, around them."""
    start, end = (above.middle, above.y + BOX_HEIGHT), (below.middle, below.y)
    between = [box for box in boxes if start[1] < box.y < end[1] - 1]
    if not any(crossed(box, start, end) for box in between):
        return f"M{start[0]:.0f},{start[1]:.0f} L{end[0]:.0f},{end[1]:.0f}"
    passages = [edge for box in between for edge in (box.x - GAP, box.x + box.width + GAP)]
    free = [x for x in passages if not any(box.x - 4 < x < box.x + box.width + 4 for box in between)]
    side = min(free, key=lambda x: abs(x - start[0]) + abs(x - end[0]))
    top, bottom = min(box.y for box in between) - 8, max(box.y for box in between) + BOX_HEIGHT + 8
    corners = [start, (side, top), (side, bottom), end]
    return "M" + " L".join(f"{x:.0f},{y:.0f}" for x, y in corners)


def crossed(box: Box, start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether a straight line would run behind a room, or so close to it that it seemed to end there."""
    shares = [(box.y + edge - start[1]) / (end[1] - start[1]) for edge in (-4, BOX_HEIGHT + 4)]
    xs = [start[0] + share * (end[0] - start[0]) for share in shares]
    return max(xs) > box.x - 6 and min(xs) < box.x + box.width + 6


def text(x: float, y: float, words: str, *, size: int = 13, anchor: str = "middle", weight: str = "normal") -> str:
    """One line of words."""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{INK}">{escape(words)}</text>'
    )


def legend(x: float, y: float) -> list[str]:
    """What the fillings mean."""
    parts = []
    for fill, words in (
        (FREE, "never imports torch"),
        (TORCH, "may import torch"),
        (SCREEN, "Qt and MRML, never torch"),
    ):
        parts.append(
            f'<rect x="{x:.0f}" y="{y - 11:.0f}" width="16" height="14" fill="{fill}" stroke="{INK}" stroke-width="0.8"/>'
        )
        parts.append(text(x + 22, y, words, size=12, anchor="start"))
        x += 40 + len(words) * 6.6
    return parts


def picture() -> str:
    """The SVG's text."""
    # Not a folder but a file, which puts the sections together.
    shown = {**PANEL, "workbench": set(SECTIONS)}
    height = max(len(by_floor(BACKEND)), len(by_floor(shown))) * FLOOR_HEIGHT
    torch = {room: FREE if room in TORCH_FREE else TORCH for room in BACKEND}
    ours, width = laid_out(BACKEND, MARGIN, TITLE + height - len(by_floor(BACKEND)) * FLOOR_HEIGHT, torch)
    between = MARGIN + width + 90
    screen = dict.fromkeys(shown, SCREEN)
    panel, panel_width = laid_out(shown, between, TITLE + height - len(by_floor(shown)) * FLOOR_HEIGHT, screen)
    total, bottom = between + panel_width + MARGIN, TITLE + height
    border = between - 45
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total:.0f} {bottom + 40:.0f}" '
        f'width="{total:.0f}" height="{bottom + 40:.0f}" font-family="sans-serif">',
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,1 L7,4 L0,7" fill="none" stroke="{LINE}"/></marker></defs>',
        f'<rect width="{total:.0f}" height="{bottom + 40:.0f}" fill="white"/>',
        text(MARGIN + width / 2, 26, "MSSoftSegLib: computes", size=16, weight="bold"),
        text(MARGIN + width / 2, 44, "in the shell, in Python, or as the worker", size=12),
        text(between + panel_width / 2, 26, "MSSoftSegGUI: shows", size=16, weight="bold"),
        text(between + panel_width / 2, 44, "inside 3D Slicer", size=12),
        f'<line x1="{border:.0f}" y1="{TITLE}" x2="{border:.0f}" y2="{bottom - 20:.0f}" stroke="{INK}" stroke-dasharray="5 4"/>',
        f'<g transform="translate({border - 8:.0f} {TITLE + height / 2:.0f}) rotate(-90)">'
        f"{text(0, 0, 'two processes: JSON lines, a job in, events out', size=12)}</g>",
        *drawn(ours, BACKEND),
        *drawn(panel, shown),
        *legend(MARGIN, bottom + 18),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8", newline="\n")
