"""Whatever befalls a run in the panel at whatever stage: one card with cause and remedy, the scene untouched, the next
click works.

The real panel, worker and model on the coarse digital patient; everything waits for the worker's own events, never for a
clock. A few stages in ``make test``, where the brain mask is given; all of them, with every step of preprocessing, in
``make campaigns``.
"""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSeg.stand_ins.broken_runs import (
    STAGES,
    STARTING,
    at_stage,
    card_text,
    click_cancel,
    kill_worker,
    run_folders,
    scene_content,
    worker_id,
)

KILLED_AT = (STARTING, *STAGES) if CAMPAIGN else ("inference",)
CANCELLED_AT = (STARTING, *STAGES) if CAMPAIGN else ("bias-correction",)
# While these run, nothing of them is in the cache.
PREPROCESSING = ("alignment", "bias-correction", "brain-extraction")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to kill by")
outcomes: dict[str, int] = {}


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """A panel with an exam, whose preprocessing lies in a warm cache; a whole run is then a matter of seconds."""
    from Testing.MSSoftSeg.people.radiologist import Radiologist
    from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
    from Testing.SlicerHost import start

    host = start()
    host.close_scene()
    host.forget_slot_errors()
    patch = pytest.MonkeyPatch()
    warm = tmp_path_factory.mktemp("warm")
    patch.setenv("MSSOFTSEG_CACHE", str(warm))
    reader = Radiologist(host)
    exam, brain = write_small_exam(tmp_path_factory.mktemp("exam") / "Anna")
    if not CAMPAIGN:
        (exam / "T2.nii.gz").unlink()
        (exam / "T1.nii.gz").unlink()
    reader.load_exam(exam)
    reader.be_quick()
    if not CAMPAIGN:
        _use_brain_mask(reader, brain)
    reader.segment()
    yield SimpleNamespace(reader=reader, patch=patch, warm=warm)
    patch.undo()
    host.close_scene()
    host.unload_module("MSSoftSeg")
    assert host.slot_errors == []
    record("broken runs in the panel", outcomes)


def _use_brain_mask(reader, path):
    import slicer

    labels = slicer.util.loadLabelVolume(str(path))
    reader.ui("brainCombo").currentIndex = reader.ui("brainCombo").findData("mask")
    reader.ui("brainMaskSelector").setCurrentNode(labels)


def run_until_the_end(office, stage, befall):
    """Segment with something that happens at a stage; the scene before, and what happened."""
    reader = office.reader
    if stage in PREPROCESSING:
        # A worker reads its environment when it starts: a fresh one with an empty cache.
        reader.workbench.worker.restart()
        office.patch.setenv("MSSOFTSEG_CACHE", str(office.warm.parent / f"cold-{stage}-{befall.__name__}"))
    before, left = scene_content(), run_folders()
    happened = at_stage(reader, stage, lambda: befall(reader))
    reader.click("segmentButton")
    reader.wait(lambda: not reader.workbench.runner.view.is_running, "the end of the run")
    office.patch.setenv("MSSOFTSEG_CACHE", str(office.warm))
    del reader.workbench.runner._hear
    assert happened == [stage]
    return before, left


def assert_untouched_and_the_next_click_works(office, before, left):
    reader = office.reader
    reader.rest(0.1)
    assert scene_content() == before
    assert run_folders() == left
    reader.segment()
    assert reader.view.count > 0
    assert reader.workbench.runner.view.error is None


@pytest.mark.parametrize("stage", KILLED_AT)
def test_kill_nine_is_one_card_and_the_next_click_works(office, stage):
    before, left = run_until_the_end(office, stage, kill_worker)
    view = office.reader.workbench.runner.view
    assert view.phase == "failed"
    assert "killed" in view.error.what
    assert "memory" in view.error.what
    assert "Segment again" in view.error.remedy
    assert card_text(office.reader) == f"{view.error.what}\n{view.error.remedy}"
    outcomes["killed"] = outcomes.get("killed", 0) + 1
    assert_untouched_and_the_next_click_works(office, before, left)


@pytest.mark.parametrize("stage", CANCELLED_AT)
def test_cancel_leaves_no_card_and_the_next_click_works(office, stage):
    before, left = run_until_the_end(office, stage, click_cancel)
    view = office.reader.workbench.runner.view
    assert view.phase == "cancelled"
    assert view.error is None
    assert card_text(office.reader) == ""
    outcomes["cancelled"] = outcomes.get("cancelled", 0) + 1
    assert_untouched_and_the_next_click_works(office, before, left)


def test_a_cancelled_run_keeps_its_worker_which_need_not_load_the_model_again(office, monkeypatch):
    reader = office.reader
    # On a busy machine a pass of the network outlasts the grace period, and the process is killed.
    monkeypatch.setattr(reader.workbench.worker, "_grace_s", 900)
    if not reader.workbench.worker.is_running:
        reader.segment()
    worker = worker_id(reader)
    run_until_the_end(office, "inference", click_cancel)
    assert reader.workbench.runner.view.phase == "cancelled"
    assert worker_id(reader) == worker


def test_a_cancel_before_the_worker_has_anything_starts_nothing(office):
    reader = office.reader
    before, left = scene_content(), run_folders()
    reader.ui("segmentButton").click()
    assert reader.workbench.runner.view.phase == "preparing"
    reader.ui("segmentButton").click()
    assert reader.workbench.runner.view.phase == "cancelled"
    reader.rest(0.2)
    assert not reader.workbench.worker.is_busy
    assert scene_content() == before
    assert run_folders() == left
    outcomes["cancelled before the start"] = 1


def test_a_model_that_is_damaged_between_two_runs_is_one_card_and_mended_it_works(office, tmp_path):
    import shutil

    from MSSoftSegLib.resources import find_resources

    reader, patch = office.reader, pytest.MonkeyPatch()
    models = tmp_path / "models"
    shutil.copytree(find_resources() / "Models" / "starter", models / "mine")
    patch.setenv("MSSOFTSEG_MODELS", str(models))
    try:
        description = (models / "mine" / "model.json").read_text(encoding="utf-8")
        (models / "mine" / "model.json").write_text(description.replace('"starter"', '"mine"', 1), encoding="utf-8")
        reader.workbench.worker.restart()
        reader.workbench._listModels()
        reader.ui("modelCombo").currentIndex = reader.ui("modelCombo").findData("mine")
        weights = models / "mine" / "weights.safetensors"
        whole = weights.read_bytes()
        weights.write_bytes(whole[: len(whole) // 2])
        before, left = scene_content(), run_folders()
        reader.click("segmentButton")
        reader.wait(lambda: not reader.workbench.runner.view.is_running, "the end of the run")
        view = reader.workbench.runner.view
        assert view.phase == "failed"
        assert "weights.safetensors" in view.error.what
        assert "Choose another model" in view.error.remedy
        assert str(tmp_path) not in view.error.details
        weights.write_bytes(whole)
        assert_untouched_and_the_next_click_works(office, before, left)
    finally:
        patch.undo()
        reader.workbench.worker.restart()
        reader.workbench._listModels()
        reader.ui("modelCombo").currentIndex = max(0, reader.ui("modelCombo").findData("starter"))
    outcomes["damaged model"] = 1


def test_a_device_that_vanished_since_the_check_is_one_card_and_automatic_works(office):
    reader = office.reader
    reader.workbench.segment.setDevices([("cuda:63", "GPU that was there")], "cuda:63")
    assert reader.ui("deviceCombo").currentData == "cuda:63"
    before, left = scene_content(), run_folders()
    reader.click("segmentButton")
    reader.wait(lambda: not reader.workbench.runner.view.is_running, "the end of the run")
    view = reader.workbench.runner.view
    assert view.phase == "failed"
    assert "cuda:63" in view.error.what.lower()
    assert "Auto" in view.error.remedy
    reader.ui("deviceCombo").currentIndex = reader.ui("deviceCombo").findData("auto")
    assert_untouched_and_the_next_click_works(office, before, left)
    outcomes["vanished device"] = 1


@pytest.mark.parametrize("stage", (STARTING, "bias-correction", "inference", "report") if CAMPAIGN else ("inference",))
def test_closing_the_scene_while_it_runs_stops_the_run_and_nothing_of_it_comes_back(office, stage, tmp_path):
    """Last of this file: the exam is loaded anew."""
    import slicer

    from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam

    reader = office.reader
    happened = at_stage(reader, stage, lambda: _later(reader.host.close_scene))
    reader.click("segmentButton")
    reader.wait(lambda: bool(happened) and not reader.workbench.runner.view.is_running, "the end of the run")
    del reader.workbench.runner._hear
    reader.wait(lambda: not reader.workbench.worker.is_busy, "the worker's rest")
    reader.rest(0.3)
    assert slicer.util.getNodesByClass("vtkMRMLVolumeNode") == []
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
    assert reader.review.exam is None
    assert card_text(reader) == ""
    exam, brain = write_small_exam(tmp_path / "Berta")
    if not CAMPAIGN:
        for name in ("T1", "T2"):
            (exam / f"{name}.nii.gz").unlink()
    reader.load_exam(exam)
    if not CAMPAIGN:
        _use_brain_mask(reader, brain)
    reader.be_quick()
    reader.segment()
    assert reader.view.count > 0
    outcomes["scene closed"] = outcomes.get("scene closed", 0) + 1


def _later(act):
    from PySide6 import QtCore

    QtCore.QTimer.singleShot(0, act)
