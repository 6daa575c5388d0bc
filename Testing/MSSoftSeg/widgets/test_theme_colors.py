"""Every colored word can be read on every ground that Slicer's two themes have."""

from __future__ import annotations

import re

import pytest
from MSSoftSegGUI.widgets.theme_colors import DARK, LIGHT, find_color, find_style

from Testing.MSSoftSeg.conftest import MODULE_FOLDER

# Windows, tables, every other row of them, and buttons.
GROUNDS = {"light": ("#ffffff", "#f7f7f7", "#f0f0f0", "#e6e6e6"), "dark": ("#191919", "#2a2a2a", "#353535", "#404040")}
THEMES = {"light": LIGHT, "dark": DARK}
LEAST_RATIO = 4.5


def luminance(color: str) -> float:
    """Relative luminance of sRGB, 0–1 (WCAG 2.2)."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def ratio(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_the_ratio_is_that_of_the_guideline():
    assert ratio("#000000", "#ffffff") == pytest.approx(21.0)
    # The gray that the guideline's own documents name as just enough on white.
    assert ratio("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", sorted(LIGHT))
def test_every_kind_of_word_can_be_read_in_both_themes(theme, kind):
    assert min(ratio(THEMES[theme][kind], ground) for ground in GROUNDS[theme]) >= LEAST_RATIO


def test_both_themes_have_the_same_kinds_and_a_note_has_the_themes_own_color():
    assert set(LIGHT) == set(DARK)
    assert find_color("note", is_dark=True) == ""
    assert find_style("note", is_dark=False) == ""
    assert find_style("error", is_dark=True) == f"color: {DARK['error']}; font-weight: bold;"


def test_no_panel_has_a_color_of_its_own():
    allowed = {"theme_colors.py", "layouts.py"}
    files = [path for path in (MODULE_FOLDER / "MSSoftSegGUI").rglob("*.py") if path.name not in allowed]
    files += (MODULE_FOLDER / "Resources" / "UI").glob("*.ui")
    found = [
        path.name for path in files if re.search(r"#[0-9a-fA-F]{6}\b|color:\s*\w", path.read_text(encoding="utf-8"))
    ]
    assert [name for name in found if name != "segments.py"] == []


def test_a_message_takes_the_color_of_its_ground(host):
    import qt
    from MSSoftSegGUI.widgets.panel import isDark, showMessage
    from PySide6 import QtGui

    label = qt.QLabel()
    for ground, colors in (("#353535", DARK), ("#f0f0f0", LIGHT)):
        palette = QtGui.QPalette(QtGui.QColor(ground))
        palette.setColor(QtGui.QPalette.Window, QtGui.QColor(ground))
        label.palette = palette
        assert isDark(label) == (colors is DARK)
        showMessage(label, "beware", "warning")
        assert colors["warning"] in label.styleSheet
