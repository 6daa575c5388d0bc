"""Tells what the user paints from what the panel itself writes into a segmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import qt
from slicer.util import VTKObservationMixin

# A stroke of the brush changes the segmentation many times; it is taken over once it rests.
REST_MS = 150


class PaintWatch(VTKObservationMixin):
    """Over one segmentation. onPainted(): the user changes it; onRest(): no more for a while."""

    def __init__(self, *, onPainted: Callable[[], None], onRest: Callable[[], None]) -> None:
        super().__init__()
        self._onPainted = onPainted
        self._isWriting = self._isPainted = False
        self._rest = qt.QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.connect("timeout()", onRest)

    def start(self, node) -> None:
        """Watch the segmentation of this node."""
        segmentation = node.GetSegmentation()
        for event in (
            segmentation.SourceRepresentationModified,
            segmentation.SegmentModified,
            segmentation.SegmentAdded,
            segmentation.SegmentRemoved,
        ):
            self.addObserver(segmentation, event, self.onModified)

    def stop(self) -> None:
        """Watch nothing; what was painted and not taken is still there to be taken."""
        self._rest.stop()
        self.removeObservers()

    def forget(self) -> None:
        """What was painted is not to be taken any more."""
        self._isPainted = False

    def take(self) -> bool:
        """Whether something was painted since it was last asked."""
        isPainted, self._isPainted = self._isPainted, False
        return isPainted

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is changed meanwhile is not painted."""
        self._isWriting = True
        try:
            yield
        finally:
            self._isWriting = False

    def onModified(self, _caller=None, _event=None) -> None:
        if not self._isWriting:
            self._isPainted = True
            self._onPainted()
            self._rest.start()
