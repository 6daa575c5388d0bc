"""Lines of a narrow panel are broken between their parts."""

from __future__ import annotations

from MSSoftSegGUI.widgets.line_breaks import keep_parts_together


def test_a_line_is_broken_behind_dots_and_commas_only():
    line = keep_parts_together("4 new, 1 not decidable · 8.09 → 11.68 ml · 0 of 22 decided")
    assert [part.split() for part in line.split(" ")] == [
        ["4", "new,"],
        ["1", "not", "decidable", "·"],
        ["8.09", "→", "11.68", "ml", "·"],
        ["0", "of", "22", "decided"],
    ]
    assert keep_parts_together("") == ""
