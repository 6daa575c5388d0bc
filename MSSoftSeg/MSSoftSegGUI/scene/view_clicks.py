"""The mouse in slice views: a press and a release at one place, while no tool of Slicer's wants it, and the wheel with Shift."""

from __future__ import annotations

from collections.abc import Callable

import slicer
import vtk

# A hand that clicks is not quite still; one that drags changes window and level, or moves the image.
STILL_PX = 3
# With Shift held a Mac says that the wheel was turned sideways.
WHEEL = {
    vtk.vtkCommand.MouseWheelForwardEvent: 1,
    vtk.vtkCommand.MouseWheelLeftEvent: 1,
    vtk.vtkCommand.MouseWheelBackwardEvent: -1,
    vtk.vtkCommand.MouseWheelRightEvent: -1,
}


class ViewClicks:
    """onClick(ras, shift): the place in the world, RAS mm, and whether Shift was held.

    onWheel(steps): the wheel was turned while Shift was held; without it Slicer goes to the next slice, with Ctrl it zooms.
    """

    def __init__(
        self, onClick: Callable[[tuple[float, float, float], bool], None], onWheel: Callable[[int], None]
    ) -> None:
        self._onClick, self._onWheel = onClick, onWheel
        self._observed: list[tuple] = []
        self._pressed: tuple[int, int] | None = None

    def start(self) -> None:
        """Listen to every slice view that there is; to be called again when views were added."""
        self.stop()
        manager = slicer.app.layoutManager()
        for name in manager.sliceViewNames() if manager is not None else ():
            view = manager.sliceWidget(name).sliceView()
            interactor, node = view.interactor(), view.mrmlSliceNode()
            for event, call in (
                (vtk.vtkCommand.LeftButtonPressEvent, self.onPress),
                (vtk.vtkCommand.LeftButtonReleaseEvent, self._releaseIn(node)),
                *((event, self._turn(steps)) for event, steps in WHEEL.items()),
            ):
                self._observed.append((interactor, interactor.AddObserver(event, call)))

    def stop(self) -> None:
        """Listen no more."""
        for interactor, tag in self._observed:
            interactor.RemoveObserver(tag)
        self._observed, self._pressed = [], None

    def onPress(self, interactor, _event=None) -> None:
        self._pressed = interactor.GetEventPosition() if _isMouseFree() else None

    def _turn(self, steps: int):
        def turn(interactor, _event=None):
            if interactor.GetShiftKey():
                self._onWheel(steps)

        return turn

    def _releaseIn(self, sliceNode):
        def release(interactor, _event=None):
            pressed, self._pressed = self._pressed, None
            x, y = interactor.GetEventPosition()
            if pressed is None or max(abs(x - pressed[0]), abs(y - pressed[1])) > STILL_PX:
                return
            ras = sliceNode.GetXYToRAS().MultiplyPoint((x, y, 0.0, 1.0))[:3]
            self._onClick(tuple(ras), bool(interactor.GetShiftKey()))

        return release


def _isMouseFree() -> bool:
    """Whether the mouse places no point and adjusts no window."""
    node = slicer.app.applicationLogic().GetInteractionNode()
    return node is None or node.GetCurrentInteractionMode() == node.ViewTransform
