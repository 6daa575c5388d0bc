"""The colors of words that warn, fail or praise, for Slicer's light and its dark theme: 4.5 : 1 against every ground of each.

No one color can be read on both. Source of the ratio: W3C, Web Content Accessibility Guidelines 2.2, 1.4.3.
"""

from __future__ import annotations

# Accepted also stands for better and approved, rejected for what is out of use.
LIGHT = {"warning": "#8a4600", "error": "#b3261e", "accepted": "#1e6b3c", "rejected": "#5f6368"}
DARK = {"warning": "#ffb866", "error": "#ff9d94", "accepted": "#7ddc9b", "rejected": "#b9bdc1"}


def find_color(kind: str, *, is_dark: bool) -> str:
    """A kind's color as #rrggbb; "" for what has none."""
    return (DARK if is_dark else LIGHT).get(kind, "")


def find_style(kind: str, *, is_dark: bool, bold: bool = False) -> str:
    """The same as a style sheet of a label; an error is bold always."""
    color = find_color(kind, is_dark=is_dark)
    weight = "font-weight: bold;" if bold or kind == "error" else ""
    return " ".join(part for part in (f"color: {color};" if color else "", weight) if part)
