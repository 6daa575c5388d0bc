"""What hands do in the review: keys, the comparing layout, the 3D surface, overlay and outline, the model's card."""

from __future__ import annotations

import pytest
from PySide6 import QtGui, QtWidgets

from Testing.MSSoftSeg.stand_ins.made_results import CENTERS, flair_node


def fire(reader, key: str) -> None:
    """The shortcut of a key: offscreen there is no window system that would bring it."""
    import slicer

    window = slicer.util.mainWindow()._inner
    found = [each for each in window.findChildren(QtGui.QShortcut) if each.key().toString() == key and each.isEnabled()]
    assert len(found) == 1, f"{len(found)} shortcuts for {key}"
    found[0].activated.emit()
    reader.host.process_events()


def decisions(reader) -> list[str]:
    return sorted(row.status for row in reader.view.rows)


def test_the_keys_accept_reject_go_on_and_take_back(reader):
    reader.segment_made(flair_node())
    fire(reader, "N")
    first = reader.view.selected
    assert first == reader.view.rows[0].number
    fire(reader, "X")
    assert decisions(reader) == ["rejected", "undecided"]
    assert reader.view.selected != first
    fire(reader, "A")
    assert decisions(reader) == ["accepted", "rejected"]
    fire(reader, "U")
    fire(reader, "U")
    assert decisions(reader) == ["undecided", "undecided"]


def test_in_another_module_the_keys_are_not_ours(reader):
    import slicer

    reader.segment_made(flair_node())
    window = slicer.util.mainWindow()._inner
    reader.widget.exit()
    assert not any(each.isEnabled() for each in window.findChildren(QtGui.QShortcut))
    reader.widget.enter()
    heard = [each.key().toString() for each in window.findChildren(QtGui.QShortcut) if each.isEnabled()]
    assert len(heard) == len(set(heard)), "Qt calls neither of two shortcuts for one key"
    assert set("AXNPUZYH") <= set(heard)


def test_the_surface_waits_until_the_slider_is_let_go(reader):
    from Testing.SlicerHost.pythonqt import unwrap

    exam = reader.segment_made(flair_node())
    segment = exam.segmentation.GetSegmentation().GetSegment("MSLesion")
    reader.click("surfaceButton")
    reader.rest(0.2)

    def points():
        surface = segment.GetRepresentation("Closed surface")
        return surface.GetNumberOfPoints() if surface is not None else 0

    whole = points()
    assert whole > 0
    handle = unwrap(reader.ui("thresholdSlider"))._slider
    handle.setSliderDown(True)
    handle.setValue(round(0.75 * handle.maximum()))
    reader.host.process_events()
    assert reader.masks()[0].sum() == 27 * (len(CENTERS) - 1)
    assert points() == 0
    handle.setSliderDown(False)
    reader.host.process_events()
    assert 0 < points() < whole


def test_opacity_and_outline_reach_the_views_at_once(reader):
    import slicer

    exam = reader.segment_made(flair_node())
    composite = slicer.util.getNode("vtkMRMLSliceCompositeNodeRed")
    reader.ui("opacitySlider").value = 0.25
    assert composite.GetForegroundOpacity() == pytest.approx(0.25)
    display = exam.segmentation.GetDisplayNode()
    reader.ui("outlineCheckBox").click()
    assert not display.GetVisibility2D()
    reader.ui("outlineCheckBox").click()
    assert display.GetVisibility2D()


def test_one_key_hides_overlay_and_outline_and_brings_them_back(reader):
    import slicer

    exam = reader.segment_made(flair_node())
    composite = slicer.util.getNode("vtkMRMLSliceCompositeNodeRed")

    def seen():
        return composite.GetForegroundOpacity() > 0, bool(exam.segmentation.GetDisplayNode().GetVisibility2D())

    fire(reader, "H")
    assert seen() == (False, False)
    assert reader.ui("outlineCheckBox").checked, "what was chosen stays chosen, and is what the scene saves"
    fire(reader, "H")
    assert seen() == (True, True)
    fire(reader, "H")
    reader.ui("opacitySlider").value = 0.3
    assert seen() == (True, True), "who moves the slider wants to see it"


def test_the_models_card_with_its_license_is_one_click_away(reader):
    import slicer

    reader.click("modelCardButton")
    dialog = slicer.util.mainWindow()._inner.findChild(QtWidgets.QDialog, "ModelCardDialog")
    assert "license" in dialog.windowTitle()
    text = dialog.findChild(QtWidgets.QTextBrowser).toPlainText()
    assert "research" in text.lower()
    assert len(text) > 500
    dialog.close()
