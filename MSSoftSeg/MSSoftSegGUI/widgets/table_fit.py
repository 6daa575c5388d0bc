"""A table as wide as the panel: where the last column would be out of sight, others give way."""

from __future__ import annotations

from collections.abc import Mapping


def fitColumns(table, *, last_px: int, least_px: Mapping[int, int]) -> None:
    """Narrow columns until the last one has last_px in sight. least_px: how far each may give way, in this order.

    Nothing is narrowed while nobody sees the table, whose width means nothing then, nor where it would not be enough.
    """
    if not table.visible:
        return
    last = table.columnCount - 1
    widths = {n: table.columnWidth(n) for n in range(last) if not table.isColumnHidden(n)}
    excess = sum(widths.values()) + last_px - table.viewport().width
    room = {n: max(0, widths[n] - least) for n, least in least_px.items() if n in widths}
    if not 0 < excess <= sum(room.values()):
        return
    for number, most in room.items():
        taken = min(excess, most)
        if taken:
            table.setColumnWidth(number, widths[number] - taken)
        excess -= taken
