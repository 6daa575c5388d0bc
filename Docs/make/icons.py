"""Renders the module's icons from their SVG sources: the module's at 128 pixels, those of buttons at 48.

python Docs/make/icons.py
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

FOLDER = Path(__file__).resolve().parents[2] / "MSSoftSeg" / "Resources" / "Icons"
MODULE_ICON, MODULE_SIZE, BUTTON_SIZE = "MSSoftSeg", 128, 48


def render(source: Path, size: int) -> QImage:
    """The drawing on a transparent square of that many pixels."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(source)).render(painter)
    painter.end()
    return image


def main() -> None:
    """Write a PNG beside every SVG."""
    application = QGuiApplication([])
    for source in sorted(FOLDER.glob("*.svg")):
        render(source, MODULE_SIZE if source.stem == MODULE_ICON else BUTTON_SIZE).save(str(source.with_suffix(".png")))
    application.quit()


if __name__ == "__main__":
    main()
