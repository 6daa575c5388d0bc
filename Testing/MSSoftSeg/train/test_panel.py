"""The training section in the host: widgets, plots and layout of trainings whose folders the test writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from MSSoftSegGUI.widgets.theme_colors import find_color
from PIL import Image
from PySide6 import QtCore

from Testing.MSSoftSeg.people.radiologist import MODULE
from Testing.MSSoftSeg.stand_ins.made_jobs import MadeJob
from Testing.MSSoftSeg.stand_ins.made_results import flair_node
from Testing.MSSoftSeg.train.test_decisions import comparison

ERROR = find_color("error", is_dark=False)


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MSSOFTSEG_JOBS", str(tmp_path / "jobs"))
    return tmp_path / "trained"


def running(models, name="model-1"):
    job = MadeJob(models, name)
    for step in range(10, 60, 10):
        job.metric("loss", step, 3.0 - step / 30)
    job.metric("val_dice", 50, 0.42)
    job.metric("val_soft_dice", 50, 0.36)
    job.progress(0.5, "step 50 of 100")
    return job


def enter(reader):
    reader.workbench.enter()
    reader.host.process_events()


def points(name):
    """What the plot of a curve holds in the scene, None where there is no such series."""
    import slicer

    for series in slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode"):
        if series.GetYColumnName() == name:
            table = series.GetTableNode().GetTable()
            columns = [table.GetColumnByName(column) for column in (series.GetXColumnName(), name)]
            return [tuple(column.GetValue(row) for column in columns) for row in range(table.GetNumberOfRows())]
    return None


def test_on_opening_the_module_the_training_that_runs_is_there_with_its_curves(reader, models):
    job = running(models)
    enter(reader)
    assert reader.ui("runCombo").currentData == str(job.folder)
    assert "being trained" in reader.ui("runHeadline").text
    assert reader.ui("trainBar").value == 500
    assert points("loss")[0] == (10, pytest.approx(2.667, abs=1e-3))
    assert points("val_dice") == [(50, 0.42)]
    job.metric("loss", 60, 0.5)
    reader.wait(lambda: points("loss")[-1] == (60, 0.5), "the new point")


def test_the_plots_are_laid_out_beside_the_images_and_the_views_come_back_as_they_were(reader, models):
    import slicer

    running(models)
    manager = slicer.app.layoutManager()
    before = manager.layout
    enter(reader)
    assert manager.layout == before, "nobody asked for plots"
    reader.click("curvesButton")
    assert reader.workbench.training.curves.isShown
    plots = [manager.plotWidget(number) for number in range(manager.plotViewCount)]
    drawn = {plot.mrmlPlotViewNode().GetLayoutName(): plot.plotView()._inner._pixels(300, 220) for plot in plots}
    blue = drawn["MSSoftSegLoss"].astype(int)
    assert ((blue[..., 2] - blue[..., 0]) > 100).sum() > 50, "the loss is a blue line"
    reader.click("curvesButton")
    assert manager.layout == before


def test_every_curve_says_over_whom_it_is_a_mean_since_a_training_may_hold_nobody_out(reader, models):
    import slicer

    job = running(models)
    job.metric("base_dice", 50, 0.96)
    enter(reader)
    axes = {chart.GetYAxisTitle() for chart in slicer.util.getNodesByClass("vtkMRMLPlotChartNode")}
    assert axes == {"loss", "mean over cases"}
    names = {each.GetYColumnName(): each.GetName() for each in slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode")}
    assert names["base_dice"] == "DSC, digital patients"
    assert names["val_dice"] == "DSC, held-out cases"
    assert names["val_soft_dice"] == "soft Dice, held-out cases"


def test_the_plots_are_not_saved_with_a_patients_scene_and_come_back_after_it_is_closed(reader, models):
    import slicer

    job = running(models)
    enter(reader)
    nodes = [
        node
        for kind in ("PlotSeries", "PlotChart", "Table")
        for node in slicer.util.getNodesByClass(f"vtkMRML{kind}Node")
    ]
    assert len(nodes) == 5 + 2 + 5
    assert not any(node.GetSaveWithScene() for node in nodes)
    reader.host.close_scene()
    job.metric("loss", 60, 0.5)
    reader.wait(lambda: points("loss") is not None and points("loss")[-1] == (60, 0.5), "the curves in a new scene")
    assert len(points("loss")) == 6


def test_a_module_that_is_reloaded_while_it_trains_attaches_again_and_stops_nothing(reader, models):
    job = running(models)
    enter(reader)
    reader.host.unload_module("MSSoftSeg")
    assert points("loss") is None, "nothing is left behind"
    job.metric("loss", 60, 0.5)
    reader.widget = reader.host.load_module(MODULE)
    reader.workbench = reader.widget.workbench
    assert reader.ui("runCombo").currentData == str(job.folder)
    assert points("loss")[-1] == (60, 0.5)
    assert not job.was_asked_to_stop


def test_segment_is_clicked_while_a_training_runs_and_neither_minds(reader, models):
    job = running(models)
    enter(reader)
    reader.segment_made(flair_node())
    assert reader.worker.jobs[-1]["kind"] == "segment"
    assert reader.view.count == 2
    job.metric("loss", 60, 0.5)
    reader.wait(lambda: points("loss")[-1] == (60, 0.5), "the training, seen on")
    assert not job.was_asked_to_stop


def test_stop_and_what_can_be_done_then(reader, models):
    job = running(models)
    enter(reader)
    reader.click("stopButton")
    assert job.was_asked_to_stop
    assert not reader.ui("stopButton").enabled
    job.say("cancelled")
    reader.wait(lambda: reader.ui("resumeButton").visible, "the button Resume")
    assert reader.ui("finishButton").enabled
    assert not reader.ui("stopButton").visible
    assert "best weights are kept" in reader.ui("runHeadline").text


def test_the_picture_of_the_validation_case_is_shown_and_half_a_file_is_not(reader, models):
    job = running(models)
    path = Path(f"{job.out}.run") / "fold-0-model-0" / "validation.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x89PNG\r\n")
    enter(reader)
    assert not reader.ui("pictureLabel").visible
    Image.fromarray(np.zeros((40, 80, 3), np.uint8)).save(path)
    reader.wait(lambda: reader.ui("pictureLabel").visible, "the picture")
    assert reader.ui("pictureLabel").pixmap.height() * 2 == reader.ui("pictureLabel").pixmap.width()


def test_a_job_folder_that_vanishes_leaves_a_sentence_and_a_list(reader, models):
    job = running(models)
    enter(reader)
    job.vanish()
    reader.wait(lambda: "removed" in reader.ui("runHeadline").text, "the sentence")
    assert reader.ui("runCombo").count == 0
    assert not reader.ui("stopButton").enabled


def judged(reader, models, verdict):
    """A training that was compared already; the section shows what was found."""
    job = running(models)
    job.finish()
    folder = Path(f"{job.out}.run") / "comparison"
    folder.mkdir(parents=True)
    (folder / "model_comparison.json").write_text(json.dumps(comparison(verdict)))
    enter(reader)
    return job


def test_a_better_model_is_offered_first_and_a_worse_one_last(reader, models):
    judged(reader, models, "worse")
    assert reader.ui("verdictLabel").text.startswith("model-1 is WORSE than starter.")
    assert ERROR in reader.ui("verdictLabel").styleSheet
    assert reader.ui("candidateButton").default
    assert not reader.ui("promoteButton").default
    assert reader.ui("judgmentBox").layout().itemAt(0).widget().objectName() == "verdictLabel"
    assert reader.ui("planGroup").collapsed
    reader.ui("trainSection").collapsed = False
    reader.rest(0.1)
    top = reader.workbench.training.panel.widget
    heights = {name: reader.ui(name).mapTo(top, QtCore.QPoint(0, 0)).y() for name in ("verdictLabel", "curvesButton")}
    assert heights["verdictLabel"] < heights["curvesButton"]
    table = reader.ui("measuresTable")
    assert table.item(0, 3).text().startswith("+0.100")
    assert table.item(1, 3).foreground().color().name() == ERROR


def test_where_the_new_model_is_better_the_first_button_installs_it(reader, models):
    judged(reader, models, "better")
    assert reader.ui("promoteButton").default
    assert not reader.ui("candidateButton").default
    assert reader.ui("casesTable").rowCount == 1


def test_a_training_that_was_not_compared_offers_to_and_nothing_else(reader, models):
    job = running(models)
    job.finish()
    enter(reader)
    assert reader.ui("compareModelsButton").visible
    assert not any(reader.ui(f"{name}Button").visible for name in ("promote", "candidate", "discard"))
    assert "Not compared yet" in reader.ui("verdictLabel").text


def test_the_library_of_the_section_before_is_taken_over_and_a_name_suggested(reader, models, tmp_path):
    import slicer

    slicer.app.settings().setValue("MSSoftSeg/Library", str(tmp_path / "ward"))
    try:
        enter(reader)
        assert reader.ui("trainLibraryEdit").currentPath == str(tmp_path / "ward")
        assert reader.ui("nameEdit").text.startswith("ward-")
        assert not reader.ui("trainButton").enabled
    finally:
        slicer.app.settings().remove("MSSoftSeg/Library")


def test_nothing_is_asked_of_a_worker_while_the_section_is_folded(reader, models, tmp_path):
    import slicer

    slicer.app.settings().setValue("MSSoftSeg/Library", str(tmp_path / "ward"))
    desk = reader.workbench.training.preflight
    try:
        enter(reader)
        assert not desk.view.is_busy
        reader.ui("trainSection").collapsed = False
        assert desk.view.is_busy
    finally:
        slicer.app.settings().remove("MSSoftSeg/Library")
        desk.forget()


def test_a_list_that_is_looked_through_is_not_made_anew_every_second(reader, models):
    running(models)
    enter(reader)
    reader.ui("runCombo").setItemText(0, "looked at")
    reader.rest(1.5)
    assert reader.ui("runCombo").itemText(0) == "looked at"


def test_each_finding_has_its_color_and_its_text_is_no_markup(reader, models):
    from MSSoftSegGUI.train.view import Finding, PreflightView

    findings = (Finding("error", "sub-<b>1 is damaged."), Finding("note", "One rater."))
    reader.workbench.training.panel.showPreflight(PreflightView(findings=findings))
    error, note = reader.ui("findingsLabel").text.split("<br>")
    assert ERROR in error
    assert "sub-&lt;b&gt;1 is damaged." in error
    assert "color" not in note
    assert not reader.ui("trainButton").enabled


def test_adapting_the_model_that_ships_is_what_is_chosen_first(reader, models):
    choices = reader.workbench.training.panel.choices()
    assert choices.recipe == "mssoftseg-adapt"
    assert choices.init == "starter"
    assert not choices.with_corrected


def test_a_long_training_is_attached_to_with_all_its_points(reader, models):
    job = MadeJob(models)
    lines = []
    for step in range(10, 40_000, 10):
        lines.append(json.dumps({"event": "metric", "job": "j", "name": "loss", "step": step, "value": 1.0}))
        lines.append(json.dumps({"event": "progress", "job": "j", "stage": "training", "overall": 0.5, "message": ""}))
    job.write("\n".join(lines) + "\n")
    enter(reader)
    assert len(points("loss")) > 1000
