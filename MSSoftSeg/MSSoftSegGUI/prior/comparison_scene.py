"""A comparison in the scene: both FLAIR images and their difference, side by side in one plane, where today's visit lies.

Nothing of it is saved with the scene: it is read again from its folder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.prior.comparison import ChangeRow, ReadComparison
from MSSoftSegGUI.scene.case_folder import ROLE_ATTRIBUTE
from MSSoftSegGUI.scene.contrast_windows import thin_out
from MSSoftSegGUI.scene.nodes import addHidden, hideNodes, removeNodes
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.segmentation_node import BINARY, makeLabelmap
from MSSoftSegGUI.scene.side_by_side import SideBySide, SideView
from MSSoftSegGUI.scene.slice_views import Blinker, jumpTo, showHead
from MSSoftSegGUI.scene.volume_files import RAS_FROM_LPS, read_volume
from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegLib.stepwise import Work

ROLE_VISIT = "visit"
BEFORE_FILE, AFTER_FILE = "before_native_from_midpoint.tfm", "after_native_from_midpoint.tfm"
# SDs of normal tissue shown as black and as white: beyond these a lesion changed for certain.
SUBTRACTION_WINDOW = (-6.0, 6.0)
# Of brain voxels, per cent shown as black and as white: lesions must not saturate.
FLAIR_PERCENTILES = (1.0, 99.9)
# Outlines by what became of a lesion: apart from each other for color-blind readers, and bright on gray.
COLORS = {
    "gained": ((1.0, 0.35, 0.1), ("new", "enlarging", "merged")),
    "lost": ((0.2, 0.7, 1.0), ("resolved", "shrinking", "split")),
    "unchanged": ((0.85, 0.85, 0.85), ("stable",)),
    "not decidable": ((1.0, 0.9, 0.2), ("not decidable",)),
}


class ComparisonScene:
    """exam: gives the exam on the table. restore: shows what was there before. onProblem(problem): it could not be shown."""

    def __init__(self, later, *, exam, restore, onProblem) -> None:
        self._exam, self._restore, self._onProblem = exam, restore, onProblem
        self._work = ChunkedWork(later)
        self._views, self._blinker = SideBySide(), Blinker()
        self._nodes: dict[str, object] = {}
        self._labels: np.ndarray | None = None
        self._matrix = np.eye(4)
        self._hidden = self._wanted = None

    @property
    def isShown(self) -> bool:
        """Whether the visits stand side by side, or will in a moment."""
        return self._views.isShown or self._work.is_busy

    def show(self, comparison: ReadComparison, row: ChangeRow | None = None) -> None:
        """Lay the visits side by side, and go to a change."""
        self._wanted = row
        if self._work.is_busy:
            return
        if self._nodes and isThere(*self._nodes.values()):
            self._layOut()
        else:
            self._removeNodes()
            self._work.start(self._showing(comparison), self._onProblem)

    def color(self, changeOf: dict[int, str]) -> None:
        """The outlines as the reader has it now: the class of each group that counts."""
        node = self._nodes.get("outlines")
        if self._labels is None or not isThere(node):
            return
        for name, (_color, classes) in COLORS.items():
            inside = np.isin(self._labels, [group for group, change in changeOf.items() if change in classes])
            segment = node.GetSegmentation().GetSegment(name)
            segment.RemoveAllRepresentations("")
            segment.AddRepresentation(BINARY, makeLabelmap(inside, self._nodes["after"]))
            segment.Modified()

    def hide(self) -> None:
        """Show what was there before; the images stay for the next look."""
        self._work.stop()
        self._blinker.stop()
        hideNodes([self._nodes.get("outlines")])
        wasShown = self._views.isShown
        self._views.hide()
        drawing, self._hidden = self._hidden, None
        if isThere(drawing):
            drawing.SetDisplayVisibility(True)
        if wasShown:
            self._restore()

    def close(self) -> None:
        """Another comparison, or none: nothing of this one stays."""
        self.hide()
        self._removeNodes()

    def forget(self) -> None:
        """The scene is closing."""
        self._work.stop()
        self._blinker.stop()
        self._nodes, self._labels, self._hidden = {}, None, None
        self._views.hide()

    def _removeNodes(self) -> None:
        nodes, self._nodes, self._labels = self._nodes, {}, None
        removeNodes(list(nodes.values()))

    def _showing(self, comparison: ReadComparison) -> Work[None]:
        inner = comparison.images / "midpoint"
        self._matrix = find_way_to_today(comparison)
        yield
        files = {"before": "before_FLAIR.nii.gz", "after": "after_FLAIR.nii.gz", "subtraction": "subtraction.nii.gz"}
        names = {"before": _("Earlier visit"), "after": _("Today’s visit"), "subtraction": _("Difference")}
        if comparison.later:
            names["after"] = _("Visit between")
        window = None
        for name, file in files.items():
            array, matrix = read_volume(inner / file)
            yield
            if name == "subtraction":
                window = SUBTRACTION_WINDOW
            elif window is None:
                # The same for both: they were matched, and a difference in gray is a difference.
                window = find_gray_window(array)
            self._nodes[name] = _transient(makeVolumeNode(array, self._matrix @ matrix, names[name], window=window))
            # A display that Slicer did not make itself has no colors.
            self._nodes[name].GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
            yield
        self._labels, _matrix = read_volume(inner / "change_labels.nii.gz")
        yield
        self._nodes["outlines"] = _newOutlines()
        self.color({row.id: row.change for row in comparison.rows})
        yield
        self._layOut()

    def _layOut(self) -> None:
        exam, isNew = self._exam(), not self._views.isShown
        if exam is None or not isThere(exam.flair):
            return
        if isThere(exam.segmentation) and isNew:
            # Today's outlines would lie over the earlier visit as well.
            self._hidden = exam.segmentation
            hideNodes([self._hidden])
        outlines = self._nodes["outlines"]
        outlines.SetDisplayVisibility(True)
        labels = {"before": _("Before"), "after": _("After"), "subtraction": _("After − before")}
        views = tuple(SideView(label, image=self._nodes[name]) for name, label in labels.items())
        self._views.show(exam.flair, views, 0.0)
        if isNew:
            showHead(self._nodes["after"])
        row, self._wanted = self._wanted, None
        if row is not None:
            self._goTo(row)

    def _goTo(self, row: ChangeRow) -> None:
        jumpTo(tuple((self._matrix @ [*row.place_ras_mm, 1.0])[:3]))
        places = np.argwhere(self._labels == row.id)
        if not len(places):
            self._blinker.stop()
            return
        first, last = places.min(axis=0), places.max(axis=0) + 1
        box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        self._blinker.blink(tuple(first), self._labels[box] == row.id, self._nodes["after"])


def find_gray_window(array: np.ndarray) -> tuple[float, float]:
    """Values shown as black and as white, always apart, of a brain whose surroundings have the lowest value of all."""
    few = thin_out(array)
    inside = few[few > few.min()]
    if not inside.size:
        return float(few.min()), float(few.min()) + 1.0
    low, high = (float(value) for value in np.percentile(inside, FLAIR_PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)


def find_way_to_today(comparison: ReadComparison) -> np.ndarray:
    """From the space between the visits to where today's images lie, over the visits in between; 4 × 4, RAS mm."""
    matrix = read_way(comparison.images / "midpoint" / AFTER_FILE)
    for images in comparison.later:
        to_between = np.linalg.inv(read_way(images / "midpoint" / BEFORE_FILE))
        matrix = read_way(images / "midpoint" / AFTER_FILE) @ to_between @ matrix
    return matrix


def read_way(path: Path) -> np.ndarray:
    """From the space between two visits to where one's images lie, 4 × 4, RAS mm."""
    import SimpleITK as sitk

    transform = sitk.ReadTransform(str(path))
    corners = [np.array(transform.TransformPoint(tuple(point))) for point in np.vstack([np.zeros(3), np.eye(3)])]
    matrix = np.eye(4)
    matrix[:3, 3] = corners[0]
    matrix[:3, :3] = np.stack([corner - corners[0] for corner in corners[1:]], axis=1)
    return RAS_FROM_LPS @ matrix @ RAS_FROM_LPS


def _newOutlines():
    node = _transient(addHidden("vtkMRMLSegmentationNode", "MSSoftSeg changes"))
    node.CreateDefaultDisplayNodes()
    node.GetSegmentation().SetSourceRepresentationName(BINARY)
    for name, (color, _classes) in COLORS.items():
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.SetColor(*color)
        node.GetSegmentation().AddSegment(segment, name)
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility3D(False)
    display.SetOpacity2DFill(0.0)
    display.SetSliceIntersectionThickness(2)
    return node


def _transient(node):
    node.SetAttribute(ROLE_ATTRIBUTE, ROLE_VISIT)
    node.SetSaveWithScene(False)
    for n in range(node.GetNumberOfDisplayNodes()):
        node.GetNthDisplayNode(n).SetSaveWithScene(False)
    return node
