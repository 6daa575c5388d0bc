"""Pictures of the views and of the whole window, drawn by Slicer's own slice logic and displayable managers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from PySide6 import QtCore, QtGui


def view_pixels(name: str, size: tuple[int, int] = (400, 400)) -> np.ndarray:
    """A slice view ("Red") or 3D view ("1") as RGB, (height, width, 3), top row first, as on the screen."""
    manager = slicer.app.layoutManager()._inner
    widget = manager.sliceWidget(name) or manager.threeDWidget(name)
    if widget is None:
        raise KeyError(f"no view is named {name}; there are {manager.sliceViewNames()}")
    return widget.viewWidget()._pixels(*size)


def screen_position(name: str, ras: tuple[float, float, float], size: tuple[int, int] = (400, 400)) -> tuple[int, int]:
    """(row, column) in `view_pixels` where a patient point lies."""
    manager = slicer.app.layoutManager()._inner
    view = manager.sliceWidget(name).sliceView()
    view._prepare(*size)
    x, y, _ = view.convertRASToXYZ(ras)
    return round(size[1] - 1 - y), round(x)


def save_view(name: str, path: Path, size: tuple[int, int] = (400, 400)) -> None:
    """Write a view as PNG."""
    pixels = np.ascontiguousarray(view_pixels(name, size))
    height, width = pixels.shape[:2]
    image = QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format_RGB888)
    if not image.save(str(path)):
        raise OSError(f"{path.name} could not be written")


def save_views(path: Path, size: tuple[int, int] = (900, 700)) -> None:
    """Write the views as the current layout arranges them (four-up, compare …) as PNG."""
    window, views = slicer.util.mainWindow()._inner, slicer.app.layoutManager()._inner.viewport()
    window.show()
    for _ in range(3):
        QtCore.QCoreApplication.processEvents()
        # The views get what panel and bars leave of the window.
        window.resize(window.size() + QtCore.QSize(*size) - views.size())
    QtCore.QCoreApplication.processEvents()
    if not views.grab().save(str(path)):
        raise OSError(f"{path.name} could not be written")


def save_window(path: Path, size: tuple[int, int] = (1500, 950)) -> None:
    """Write the whole window, panel and views, as PNG."""
    _grab(slicer.util.mainWindow()._inner, path, size)


def _grab(widget, path: Path, size: tuple[int, int]) -> None:
    widget.resize(*size)
    widget.show()
    for _ in range(3):
        QtCore.QCoreApplication.processEvents()
    if not widget.grab().save(str(path)):
        raise OSError(f"{path.name} could not be written")
