"""The first answer in the views, while the run goes on: one look of the network, until its final answer or its end."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.nodes import removeNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.slice_views import findCompositeNodes
from MSSoftSegGUI.scene.soft_overlay import SOFT_OPACITY, SoftOverlay, addOutline
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegLib.stepwise import Work

# As the worker names them in the folder of the event.
PROBABILITY_FILE, MASK_FILE = "lesion_probability.nii", "lesion_mask.nii"
# Of the outlines' colors one that no segment has.
COLOR = 1


class RunPreview:
    """At most one at a time; nothing of it is saved with the scene."""

    def __init__(self, later) -> None:
        self._work = ChunkedWork(later)
        self._overlay = SoftOverlay(_("Preview: uncertainty follows"))
        self._outline = None

    @property
    def isShown(self) -> bool:
        """Whether a first answer lies over an image."""
        return self._overlay.node is not None

    def show(self, folder: Path, flairNode) -> None:
        """Lay probability and outline over this image. The files go when the job ends: what can no longer be read is left out."""
        self.remove()
        self._work.start(self._showing(folder, flairNode), lambda _problem: self.remove())

    def remove(self) -> None:
        """Take it out of the scene."""
        self._work.stop()
        node, outline = self._overlay.node, self._outline
        for composite in findCompositeNodes():
            if node is not None and composite.GetForegroundVolumeID() == node.GetID():
                composite.SetForegroundVolumeID(None)
        self._overlay.remove()
        self._outline = None
        removeNodes([outline])

    def _showing(self, folder: Path, flairNode) -> Work[None]:
        yield from self._overlay.showing(folder / PROBABILITY_FILE, flairNode)
        # The run has seen the image where it lies in the world, transforms included.
        self._overlay.node.SetAndObserveTransformNodeID(None)
        slicer.util.setSliceViewerLayers(foreground=self._overlay.node, foregroundOpacity=SOFT_OPACITY)
        yield
        if isThere(flairNode) and flairNode.GetParentTransformNode() is None:
            self._outline = yield from addOutline(folder / MASK_FILE, _("Preview"), COLOR, flairNode)
