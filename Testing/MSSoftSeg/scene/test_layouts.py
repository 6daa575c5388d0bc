"""Layouts that a saved scene names are known before it opens; what helps the views is in no list of the user's."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import numpy as np

from Testing.MSSoftSeg.people.radiologist import MODULE
from Testing.MSSoftSeg.stand_ins.made_results import flair_node, matrix_of


class EmptyLayoutNode:
    """Knows no layout yet, and keeps what it is told."""

    def __init__(self) -> None:
        self.told: dict[int, str] = {}

    def IsLayoutDescription(self, number: int) -> bool:
        return number in self.told

    def AddLayoutDescription(self, number: int, text: str) -> None:
        self.told[number] = text


def test_every_layout_is_known_once_slicer_has_started_before_the_panel_is_made(host, monkeypatch):
    import slicer
    from MSSoftSegGUI.scene import layouts

    node = EmptyLayoutNode()
    manager = SimpleNamespace(layoutLogic=lambda: SimpleNamespace(GetLayoutNode=lambda: node))
    monkeypatch.setattr(layouts, "slicer", SimpleNamespace(app=SimpleNamespace(layoutManager=lambda: manager)))
    host.load_module(MODULE, panel=False)
    slicer.app._inner._module_manager._unload("MSSoftSeg")
    host.forget_slot_errors()
    assert list(node.told) == [3701, 3704, 3705, 3706, 3708, 3702, 3703, 3707]
    assert all(ElementTree.fromstring(text).tag == "layout" for text in node.told.values())


def hidden_when_added(scene, act) -> list[tuple[str, bool]]:
    """Names of the segmentations that an act adds, and whether each was hidden when the scene heard of it."""
    import vtk

    heard = []

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def hear(_scene, _event, node):
        if node.IsA("vtkMRMLSegmentationNode"):
            heard.append((node.GetName(), bool(node.GetHideFromEditors())))

    tag = scene.AddObserver(scene.NodeAddedEvent, hear)
    try:
        act()
    finally:
        scene.RemoveObserver(tag)
    return heard


def test_the_ring_of_a_blinking_lesion_and_a_raters_outline_enter_the_scene_hidden(reader, tmp_path):
    """The Data module takes in what it hears of, and does not look again."""
    import slicer
    from MSSoftSegGUI.scene.slice_views import Blinker
    from MSSoftSegGUI.scene.soft_overlay import addOutline
    from MSSoftSegGUI.scene.volume_files import write_volume

    from MSSoftSegLib.stepwise import finish

    flair = flair_node()
    labels = np.zeros((20, 30, 40), np.uint8)
    labels[5, 6, 7] = 1
    write_volume(labels, matrix_of(), tmp_path / "anna.nii.gz")
    blinker = Blinker()
    scene = slicer.mrmlScene
    heard = hidden_when_added(scene, lambda: blinker.blink((5, 6, 7), np.ones((1, 1, 1), bool), flair))
    heard += hidden_when_added(scene, lambda: finish(addOutline(tmp_path / "anna.nii.gz", "anna", 0, flair)))
    blinker.stop()
    assert heard == [("MSSoftSeg blink", True), ("anna", True)]
