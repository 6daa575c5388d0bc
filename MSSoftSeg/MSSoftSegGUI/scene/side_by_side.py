"""Axial views in a row, each with layers and outlines of its own; the layout that the user had comes back afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import slicer

from MSSoftSegGUI.scene.layouts import SIDE_LAYOUTS, SIDE_VIEWS, registerLayouts
from MSSoftSegGUI.scene.slice_views import findCompositeNodes, fitViews, turnToImages


@dataclass(frozen=True)
class SideView:
    """One view. overlay: a volume over FLAIR, None for none. outlines: segmentations that are seen in this view only.

    image: what lies behind instead of FLAIR.
    """

    label: str
    overlay: object = None
    outlines: tuple = ()
    image: object = None


class SideBySide:
    """At most one comparison at a time."""

    def __init__(self) -> None:
        self._before = None

    @property
    def isShown(self) -> bool:
        """Whether the views stand side by side, as far as this knows: the user may have chosen another layout."""
        return self._before is not None

    def show(self, flairNode, views: tuple[SideView, ...], opacity: float) -> None:
        """Lay the views out, FLAIR behind each that has no image of its own; they move together."""
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        layout = SIDE_LAYOUTS[len(views)]
        registerLayouts()
        if manager.layout not in SIDE_LAYOUTS.values():
            self._before = manager.layout
        elif self._before is None:
            # A scene that was saved while it compared has nothing to go back to.
            self._before = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
        isNew = manager.layout != layout
        manager.setLayout(layout)
        ours = {node.GetLayoutName(): node for node in findCompositeNodes() if node.GetLayoutName() in SIDE_VIEWS}
        for composite in ours.values():
            # Linked views would copy the layers of the first to all.
            composite.SetHotLinkedControl(False)
            composite.SetLinkedControl(False)
        for tag, view in zip(SIDE_VIEWS, views, strict=False):
            _fill(ours.get(tag), tag, flairNode, view, opacity)
        for tag in SIDE_VIEWS[: len(views)]:
            if tag in ours:
                ours[tag].SetLinkedControl(True)
                ours[tag].SetHotLinkedControl(True)
        if isNew:
            turnToImages()
            fitViews()

    def hide(self) -> None:
        """Give the layout back that the user had; one that she chose meanwhile stays."""
        before, self._before = self._before, None
        manager = slicer.app.layoutManager()
        if before is not None and manager is not None and manager.layout in SIDE_LAYOUTS.values():
            manager.setLayout(before)


def leaveComparison() -> None:
    """A scene was opened that was saved while it compared: go to a layout in which there is something to see."""
    manager = slicer.app.layoutManager()
    if manager is not None and manager.layout in SIDE_LAYOUTS.values():
        manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)


def _fill(composite, tag: str, flairNode, view: SideView, opacity: float) -> None:
    sliceNode = next((n for n in slicer.util.getNodesByClass("vtkMRMLSliceNode") if n.GetLayoutName() == tag), None)
    if composite is None or sliceNode is None:
        return
    composite.SetBackgroundVolumeID((view.image or flairNode).GetID())
    composite.SetForegroundVolumeID(view.overlay.GetID() if view.overlay is not None else None)
    composite.SetForegroundOpacity(opacity if view.overlay is not None else 0.0)
    composite.SetLabelVolumeID(None)
    sliceNode.SetLayoutLabel(view.label)
    for segmentation in view.outlines:
        segmentation.GetDisplayNode().SetViewNodeIDs([sliceNode.GetID()])
