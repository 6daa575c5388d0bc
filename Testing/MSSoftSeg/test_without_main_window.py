"""The module without a main window: Slicer's generic tests make every module's panel so."""

from __future__ import annotations

from Testing.MSSoftSeg.people.radiologist import MODULE


def test_the_panel_is_made_entered_left_and_closed_without_a_layout_manager(host, monkeypatch):
    import slicer

    host.close_scene()
    host.forget_slot_errors()
    application = slicer.app._inner
    monkeypatch.setattr(application, "_layout_manager", None)
    monkeypatch.setattr(slicer.util, "mainWindow", lambda verbose=False: None)
    host.load_module(MODULE, panel=False)
    try:
        assert slicer.app.layoutManager() is None
        frame = application._module_manager.module("MSSoftSeg").widgetRepresentation()
        frame.enter()
        host.close_scene()
        panel = frame.self().workbench
        panel.curation.restore()
        panel.training.onCurves(True)
        panel.training.onCurves(False)
        frame.exit()
        assert host.slot_errors == []
    finally:
        application._module_manager._unload("MSSoftSeg")
        monkeypatch.undo()
        host.process_events()
        host.forget_slot_errors()


def test_the_sample_is_offered_as_slicer_counts_samples_and_its_button_makes_the_patient(reader, monkeypatch):
    import sys

    import SampleData

    logic = SampleData.SampleDataLogic()
    source = logic.sourceForSampleName("MSSoftSegDigitalPatient")
    assert source is not None, "registering failed at the start"
    # Slicer's own download of a sample fetches addresses, and there is none; the button calls the module's maker.
    assert logic.downloadFromSource(source) == []
    asked = []
    monkeypatch.setattr(source, "customDownloader", lambda each: asked.append(each) or ["a node"])
    assert logic._click(source) == ["a node"]
    assert asked == [source]
    assert "MSSoftSeg" in sys.modules
