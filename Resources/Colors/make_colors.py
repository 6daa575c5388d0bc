"""Makes the color tables of the overlays, as Slicer reads them (index, name, R, G, B, A).

Probability runs from dark red over orange to pale yellow, entropy from dark violet over blue to pale cyan: both rise in
lightness all the way, so that they read in gray and to the color-blind, and neither is mistaken for the other.

    python Resources/Colors/make_colors.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

ENTRIES = 256
TABLES = {
    "MSSoftSegProbability": (
        (60, 8, 60),
        (140, 20, 60),
        (215, 60, 35),
        (250, 140, 20),
        (253, 215, 80),
        (255, 252, 200),
    ),
    "MSSoftSegEntropy": ((40, 20, 90), (50, 60, 165), (40, 120, 200), (50, 175, 205), (130, 220, 215), (230, 255, 245)),
}


def table(name: str, stops: tuple[tuple[int, int, int], ...]) -> str:
    """The file's text: the stops, spread evenly, with straight lines between."""
    at = np.linspace(0, ENTRIES - 1, len(stops))
    channels = [np.interp(np.arange(ENTRIES), at, channel).round().astype(int) for channel in np.transpose(stops)]
    rows = [
        f"{index} {index / (ENTRIES - 1):.3f} {r} {g} {b} 255" for index, (r, g, b) in enumerate(np.stack(channels, 1))
    ]
    return "\n".join([f"# Color table file {name}.ctbl", f"# {ENTRIES} values", *rows, ""])


def main() -> None:
    """Write every table beside this file."""
    for name, stops in TABLES.items():
        (Path(__file__).parent / f"{name}.ctbl").write_text(table(name, stops), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
