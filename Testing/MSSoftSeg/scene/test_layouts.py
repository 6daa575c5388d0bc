"""Layouts that a saved scene names are known before it opens; what helps the views is in no list of the user's."""

from __future__ import annotations

import numpy as np

from Testing.MSSoftSeg.people.radiologist import MODULE
from Testing.MSSoftSeg.stand_ins.made_results import flair_node, matrix_of


def test_every_layout_is_known_once_slicer_has_started_before_the_panel_is_made(host, monkeypatch):
    import slicer

    layoutNode = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    told = []
    monkeypatch.setattr(type(layoutNode), "IsLayoutDescription", lambda _node, _number: False)
    monkeypatch.setattr(
        type(layoutNode), "AddLayoutDescription", lambda _node, number, text: told.append((number, text))
    )
    host.load_module(MODULE, panel=False)
    monkeypatch.undo()
    slicer.app._inner._module_manager._unload("MSSoftSeg")
    host.forget_slot_errors()
    assert [number for number, _ in told] == [3701, 3702, 3703, 3707]
    assert all(text.startswith("<layout") for _, text in told)


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
    from MSSoftSegGUI.scene.soft_overlay import addingOutline
    from MSSoftSegGUI.scene.volume_files import write_volume

    from MSSoftSegLib.stepwise import finish

    flair = flair_node()
    labels = np.zeros((20, 30, 40), np.uint8)
    labels[5, 6, 7] = 1
    write_volume(labels, matrix_of(), tmp_path / "anna.nii.gz")
    blinker = Blinker()
    scene = slicer.mrmlScene
    heard = hidden_when_added(scene, lambda: blinker.blink((5, 6, 7), np.ones((1, 1, 1), bool), flair))
    heard += hidden_when_added(scene, lambda: finish(addingOutline(tmp_path / "anna.nii.gz", "anna", 0, flair)))
    blinker.stop()
    assert heard == [("MSSoftSeg blink", True), ("anna", True)]
