"""The host as an application: modules load, reload and leave; views follow layouts; the event loop is measured."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from Testing.patience import HANGING_S
from Testing.SlicerHost import gestures, latency

MODULE = """
import qt, slicer
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule, ScriptedLoadableModuleLogic, ScriptedLoadableModuleTest, ScriptedLoadableModuleWidget)

class Wobble(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Wobble"
        parent.categories = ["Segmentation"]

class WobbleWidget(ScriptedLoadableModuleWidget):
    calls = []
    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = WobbleLogic()
        self.button = qt.QPushButton("Go")
        self.button.objectName = "goButton"
        self.layout.addWidget(self.button)
        self.calls.append("setup")
    def enter(self):
        self.calls.append("enter")
    def exit(self):
        self.calls.append("exit")
    def cleanup(self):
        self.calls.append("cleanup")

class WobbleLogic(ScriptedLoadableModuleLogic):
    pass
"""


@pytest.fixture
def wobble(host, tmp_path):
    path = tmp_path / "Wobble.py"
    path.write_text(textwrap.dedent(MODULE), encoding="utf-8")
    widget = host.load_module(path)
    yield widget
    if host._app._module_manager.module("Wobble"):
        host.unload_module("Wobble")
    sys.path.remove(str(tmp_path))


def test_a_module_is_where_slicer_has_it(slicer, wobble):
    assert slicer.modules.wobble.title == "Wobble"
    assert slicer.modules.WobbleWidget is wobble
    assert slicer.util.getModuleWidget("Wobble") is wobble
    assert slicer.util.getModuleLogic("Wobble") is wobble.logic
    assert Path(slicer.util.modulePath("Wobble")).name == "Wobble.py"
    assert slicer.util.findChild(slicer.util.mainWindow(), "goButton") is wobble.button
    assert wobble.calls == ["setup", "enter"]


def test_a_reload_cleans_up_and_sets_up_again(slicer, wobble):
    slicer.util.reloadScriptedModule("Wobble")
    again = slicer.modules.WobbleWidget
    assert again is not wobble
    assert wobble.calls == ["setup", "enter", "cleanup"]
    assert again.calls == ["setup", "enter"]


def test_an_unloaded_module_leaves_and_cleans_up(host, slicer, wobble):
    host.unload_module("Wobble")
    assert wobble.calls == ["setup", "enter", "exit", "cleanup"]
    assert not hasattr(slicer.modules, "wobble")


def test_a_typing_error_on_a_module_object_is_refused(slicer, wobble):
    with pytest.raises(AttributeError, match="titel"):
        slicer.modules.wobble.titel = "x"


def test_a_custom_layout_makes_its_views_and_they_move_together(slicer):
    manager = slicer.app.layoutManager()
    node = manager.layoutLogic().GetLayoutNode()
    views = "".join(
        f'<item><view class="vtkMRMLSliceNode" singletontag="{tag}">'
        f'<property name="orientation" action="default">Axial</property></view></item>'
        for tag in ("HostLeft", "HostRight")
    )
    node.AddLayoutDescription(4711, f'<layout type="horizontal">{views}</layout>')
    manager.setLayout(4711)
    assert manager.layout == 4711
    assert {"HostLeft", "HostRight"} <= set(manager.sliceViewNames())
    left, right = (manager.sliceWidget(name) for name in ("HostLeft", "HostRight"))
    for widget in (left, right):
        widget.mrmlSliceCompositeNode().SetLinkedControl(True)
        widget.mrmlSliceCompositeNode().SetHotLinkedControl(True)
    left.sliceLogic().StartSliceOffsetInteraction()
    left.sliceLogic().SetSliceOffset(12.0)
    left.sliceLogic().EndSliceOffsetInteraction()
    assert right.sliceLogic().GetSliceOffset() == pytest.approx(12.0)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)


def test_a_node_combo_box_follows_the_scene(slicer):
    box, seen = slicer.qMRMLNodeComboBox(), []
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.noneEnabled = True
    box.setMRMLScene(slicer.mrmlScene)
    box.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: seen.append(node))
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "flair")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "model")
    assert box.nodeCount() == 1
    assert box.currentNode() is None
    box.setCurrentNode(volume)
    assert (box.currentNodeID, seen) == (volume.GetID(), [volume])
    slicer.mrmlScene.RemoveNode(volume)
    assert box.currentNode() is None
    assert seen[1:] == [None]


def test_a_node_combo_box_without_none_takes_the_first_node(slicer):
    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.setMRMLScene(slicer.mrmlScene)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "flair")
    assert box.currentNode() is volume


def test_a_slider_without_tracking_tells_of_the_drag_and_then_of_its_end(ctk):
    slider, seen = ctk.ctkSliderWidget(), []
    slider.maximum, slider.decimals, slider.tracking = 1.0, 2, False
    slider.connect("valueIsChanging(double)", lambda value: seen.append(("changing", value)))
    slider.connect("valueChanged(double)", lambda value: seen.append(("changed", value)))
    gestures.drag_slider(slider, (0.3, 0.4))
    assert seen == [("changing", 0.3), ("changing", 0.4), ("changed", 0.4)]


@pytest.fixture
def editor(host, slicer):
    host.show(900, 700)
    host.process_events()
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "flair")
    slicer.util.updateVolumeFromArray(volume, np.zeros((20, 30, 40), np.float32))
    volume.SetOrigin(-20, -15, -10)
    volume.CreateDefaultDisplayNodes()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "lesions")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for name in ("lesion", "possible"):
        node.GetSegmentation().AddEmptySegment(name, name)
    widget = slicer.qMRMLSegmentEditorWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    widget.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    widget.setSegmentationNode(node)
    widget.setupViewObservations()
    widget.setSourceVolumeNode(volume)
    yield widget
    widget.setActiveEffectByName("")
    host.hide()


def painted(slicer, editor, segment):
    array = slicer.util.arrayFromSegmentBinaryLabelmap(editor.segmentationNode(), segment, editor.sourceVolumeNode())
    return np.argwhere(array)[:, ::-1] + np.array([-20, -15, -10])


def test_a_click_with_paint_paints_a_ball_there_and_nowhere_else(slicer, editor):
    slicer.util.setSliceViewerLayers(background=editor.sourceVolumeNode(), fit=True)
    slicer.util.getNode("Red").JumpSliceByOffsetting(6, 3, 2)
    editor.setCurrentSegmentID("possible")
    editor.setActiveEffectByName("Paint")
    effect = editor.activeEffect()
    effect.setCommonParameter("BrushSphere", 1)
    effect.setCommonParameter("BrushDiameterIsRelative", 0)
    effect.setCommonParameter("BrushAbsoluteDiameter", 6.0)
    gestures.click_in_view("Red", (6, 3, 2))
    points = painted(slicer, editor, "possible")
    assert 80 < len(points) < 180  # a ball of 6 mm on 1 mm voxels: 113 mm³
    assert np.abs(points.mean(axis=0) - (6, 3, 2)).max() < 1
    assert len(painted(slicer, editor, "lesion")) == 0
    editor.undo()
    assert len(painted(slicer, editor, "possible")) == 0
    editor.redo()
    editor.setActiveEffectByName("Erase")
    gestures.click_in_view("Red", (6, 3, 2))
    assert len(painted(slicer, editor, "possible")) == 0


def test_a_disk_stays_in_its_slice(slicer, editor):
    slicer.util.setSliceViewerLayers(background=editor.sourceVolumeNode(), fit=True)
    slicer.util.getNode("Red").JumpSliceByOffsetting(6, 3, 2)
    editor.setCurrentSegmentID("lesion")
    editor.setActiveEffectByName("Paint")
    editor.activeEffect().setCommonParameter("BrushDiameterIsRelative", 0)
    editor.activeEffect().setCommonParameter("BrushAbsoluteDiameter", 6.0)
    editor.activeEffect().setCommonParameter("BrushSphere", 0)
    gestures.click_in_view("Red", (6, 3, 2))
    assert set(painted(slicer, editor, "lesion")[:, 2]) == {2}


def test_nothing_is_painted_without_an_active_effect(slicer, editor):
    slicer.util.setSliceViewerLayers(background=editor.sourceVolumeNode(), fit=True)
    editor.setCurrentSegmentID("lesion")
    gestures.click_in_view("Red", (0, 0, 0))
    assert len(painted(slicer, editor, "lesion")) == 0


def test_a_blocked_event_loop_is_measured(host):
    gap = latency.longest_gap_ms(lambda: time.sleep(0.3))
    # No upper bound: a busy machine adds blocks of its own.
    assert gap > 290


def test_a_block_at_the_very_end_is_measured_too(host):
    with latency.LatencyProbe() as probe:
        host.process_events()
        time.sleep(0.2)
    assert probe.result.longest_gap_ms > 190


def test_a_condition_that_never_comes_true_is_named(host):
    with pytest.raises(TimeoutError, match="the moon"):
        latency.wait_until(lambda: False, 0.05, "the moon")


def test_closing_the_scene_leaves_the_views(host, slicer):
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "flair")
    host.close_scene()
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []
    assert slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().GetScene() is slicer.mrmlScene


def test_settings_are_kept_apart_from_the_users(host, qt, slicer):
    qt.QSettings().setValue("MSSoftSeg/x", "1")
    assert slicer.app.userSettings().value("MSSoftSeg/x") == "1"
    assert "SlicerHost-" in slicer.app.slicerUserSettingsFilePath


def test_the_program_opens_a_window_with_the_panel(tmp_path):
    module = tmp_path / "Wobble.py"
    module.write_text(MODULE, encoding="utf-8")
    command = [sys.executable, "-m", "Testing.SlicerHost", str(module), "--picture", str(tmp_path / "window.png")]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=HANGING_S, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "window.png").stat().st_size > 5000
