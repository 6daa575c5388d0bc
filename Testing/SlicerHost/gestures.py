"""What a hand does: a click at a patient point of a slice view, and a drag of a slider."""

from __future__ import annotations

import slicer
from PySide6 import QtCore, QtGui

from .pythonqt import unwrap


def click_in_view(name: str, ras: tuple[float, float, float], *, shift: bool = False, drag_px: int = 0) -> None:
    """Press and release the left button over a patient point, which the view must show; release it so far beside."""
    view = slicer.app.layoutManager()._inner.sliceWidget(name).sliceView()
    view._prepare(view.width(), view.height())
    x, y, _ = view.convertRASToXYZ(ras)
    place = QtCore.QPointF(x, view.height() - 1 - y)
    if not QtCore.QRectF(view.rect()).contains(place):
        raise ValueError(f"the point lies outside the view {name} ({place.x():.0f}, {place.y():.0f} of {view.size()})")
    # QTest's own mouse functions need a test of Qt's to run in, and crash without one when a point is outside.
    for kind, held in (
        (QtCore.QEvent.MouseButtonPress, QtCore.Qt.LeftButton),
        (QtCore.QEvent.MouseButtonRelease, QtCore.Qt.NoButton),
    ):
        if kind is QtCore.QEvent.MouseButtonRelease:
            place = place + QtCore.QPointF(drag_px, 0)
        glob = view.mapToGlobal(place)
        modifiers = QtCore.Qt.ShiftModifier if shift else QtCore.Qt.NoModifier
        event = QtGui.QMouseEvent(kind, place, glob, QtCore.Qt.LeftButton, held, modifiers)
        QtCore.QCoreApplication.sendEvent(view, event)


def turn_wheel_in_view(name: str, steps: int, *, shift: bool = False) -> None:
    """Turn the mouse's wheel in a slice view, forwards or, where negative, backwards."""
    interactor = slicer.app.layoutManager().sliceWidget(name).sliceView().interactor()
    interactor.SetShiftKey(int(shift))
    for _step in range(abs(steps)):
        interactor.InvokeEvent("MouseWheelForwardEvent" if steps > 0 else "MouseWheelBackwardEvent")
    interactor.SetShiftKey(0)


def drag_slider(slider, values) -> None:
    """Take hold of a ctkSliderWidget's handle, move it over the values, let go at the last."""
    inner = unwrap(slider)
    handle = inner._slider
    span = inner.maximum - inner.minimum
    handle.setSliderDown(True)
    for value in values:
        handle.setValue(round((value - inner.minimum) / span * handle.maximum()))
        QtCore.QCoreApplication.processEvents()
    handle.setSliderDown(False)
