"""The Segment button: what it starts, what it shows, and that nothing is left behind when it does not end well."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from MSSoftSegGUI.scene.volume_files import write_volume
from MSSoftSegGUI.segment.job_documents import Selections
from MSSoftSegGUI.segment.presenter import SegmentPresenter

from MSSoftSegLib.jobs.run import parse_job


class FakeWorker:
    """Takes jobs and lets the test answer."""

    def __init__(self):
        self.documents, self.cancelled, self.on_event = [], [], None

    def submit(self, document, on_event):
        self.documents.append(document)
        self.on_event = on_event

    def cancel(self, name):
        self.cancelled.append(name)

    def details(self):
        return "last words of the worker"

    def say(self, event, **fields):
        self.on_event({"event": event, "job": self.documents[-1]["job"], **fields})


class FakeExporter:
    """Writes a small image per node; nodes called "bad" cannot be written."""

    def __init__(self):
        self.written = []

    def write_volume(self, node_id, path):
        if node_id == "bad":
            raise ValueError("the volume's axes are not at right angles; resample it first")
        self.written.append((node_id, path.name))
        write_volume(np.arange(8, dtype=np.int16).reshape(2, 2, 2), np.eye(4), path)

    write_mask = write_volume


class Desk:
    """A presenter with everything around it; time and timers are the test's."""

    def __init__(self, folder):
        self.now, self.timers, self.views, self.results = 0.0, [], [], []
        self.worker, self.exporter, self.runs = FakeWorker(), FakeExporter(), folder / "runs"
        self.presenter = SegmentPresenter(
            self.worker,
            self.exporter,
            lambda seconds, callback: self.timers.append((self.now + seconds, callback)),
            runs_folder=self.runs,
            show=self.views.append,
            on_result=self.results.append,
            clock=lambda: self.now,
        )

    def pass_time(self, seconds=0.0):
        end = self.now + seconds
        for _ in range(1000):
            due = [timer for timer in self.timers if timer[0] <= end]
            if not due:
                break
            first = min(due, key=lambda timer: timer[0])
            self.timers.remove(first)
            self.now = first[0]
            first[1]()
        self.now = end

    def run(self, selections=Selections(flair="F", t1="T"), kind="segment"):  # noqa: B008 — frozen
        getattr(self.presenter, kind)(selections)
        self.pass_time()
        return Path(self.worker.documents[-1]["spec"]["out"]).parent if self.worker.documents else None

    @property
    def view(self):
        return self.views[-1]

    def left(self):
        return sorted(path.name for path in self.runs.glob("*"))


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_the_document_is_one_that_the_worker_accepts_and_says_what_was_selected(desk):
    desk.run(Selections(flair="F", t1="T", t2="U", model="other", device="cuda:1", brain="atlas", tta="none"))
    spec = parse_job(desk.worker.documents[0]).spec
    assert desk.exporter.written == [("F", "FLAIR.nii"), ("T", "T1.nii"), ("U", "T2.nii")]
    assert [path.name for path in spec.exam.files.values()] == ["FLAIR.nii", "T1.nii", "T2.nii"]
    assert all(path.is_file() for path in spec.exam.files.values())
    assert (spec.model, spec.device, spec.preprocessing.brain, spec.tta) == ("other", "cuda:1", "atlas", "none")


def test_preprocessing_is_a_job_of_its_own_kind(desk):
    desk.run(kind="preprocess")
    assert parse_job(desk.worker.documents[0]).kind == "preprocess"


def test_a_brain_mask_that_is_chosen_is_handed_over_instead_of_an_extraction(desk):
    desk.run(Selections(flair="F", brain="hd-bet", brain_mask="M"))
    spec = parse_job(desk.worker.documents[0]).spec
    assert Path(spec.preprocessing.brain).is_file()
    assert desk.exporter.written == [("F", "FLAIR.nii"), ("M", "brain_mask.nii")]


def test_each_volume_is_written_in_a_turn_of_its_own(desk):
    desk.presenter.segment(Selections(flair="F", t1="T"))
    assert desk.exporter.written == []
    for written in (1, 2):
        callback = desk.timers.pop(0)[1]
        callback()
        assert len(desk.exporter.written) == written
        assert desk.view.phase == "preparing"


def test_progress_shows_stage_percent_and_remaining_time_and_never_goes_back(desk):
    desk.run()
    desk.pass_time(30)
    desk.worker.say("progress", stage="bias-correction", fraction=0.5, overall=0.25, message="")
    assert desk.view.stage_text == "Correcting the bias field"
    assert desk.view.percent == 25
    assert desk.view.remaining_text == "about 2 min left"
    desk.worker.say("progress", stage="inference", fraction=0, overall=0.2, message="")
    assert desk.view.percent == 25


def test_the_remaining_time_follows_the_clock_while_a_stage_is_silent(desk):
    desk.run()
    desk.pass_time(30)
    desk.worker.say("progress", stage="inference", fraction=0.1, overall=0.5, message="")
    assert desk.view.remaining_text == "about 30 s left"
    desk.pass_time(20)
    assert desk.view.remaining_text == "about 50 s left"


def test_broken_and_unknown_events_change_nothing(desk):
    desk.run()
    before = desk.view
    desk.worker.say("dance")
    desk.worker.say("metric", name="x", step=1, value=2.0)
    desk.worker.say("progress", stage="inference", overall="much")
    assert desk.view.percent == before.percent
    assert desk.view.is_running


def test_a_result_is_handed_on_with_its_folder_and_the_inputs_are_removed(desk):
    folder = desk.run()
    (folder / "result").mkdir()
    desk.worker.say("result", path="result", summary={"lesions": 3, "warnings": ["Check the images."]})
    finished = desk.results[0]
    assert finished.folder == folder / "result"
    assert finished.selections == Selections(flair="F", t1="T")
    assert not (folder / "input").exists()
    # The warnings are said where the result is reviewed.
    assert (desk.view.phase, desk.view.percent, desk.view.note) == ("done", 100, "")
    assert desk.view.button_text == "Segment"


def test_a_failure_is_one_card_with_cause_remedy_and_details_and_nothing_is_left(desk):
    desk.run()
    desk.worker.say("log", level="info", message="read the images")
    desk.worker.say("failed", code="device-missing", message="cuda:7 is not there", remedy="use --device auto or cpu")
    card = desk.view.error
    assert desk.view.phase == "failed"
    assert card.what == "Cuda:7 is not there."
    assert card.remedy == "Choose the device Auto or CPU and click Segment again."
    for line in ("device-missing", "read the images", "last words of the worker"):
        assert line in card.details
    assert desk.left() == []


def test_a_remedy_that_makes_sense_in_the_panel_is_kept(desk):
    desk.run()
    desk.worker.say("failed", code="bad-exam", message="two patients", remedy="give images of one patient")
    assert desk.view.error.remedy == "Give images of one patient."


def test_the_next_click_works_after_a_failure(desk):
    desk.run()
    desk.worker.say("failed", code="worker-killed", message="killed", remedy="again")
    desk.run()
    assert len(desk.worker.documents) == 2
    assert desk.view.error is None
    assert desk.view.is_running


def test_a_second_click_cancels_and_a_third_changes_nothing(desk):
    desk.run()
    desk.presenter.toggle(Selections(flair="F"))
    assert desk.view.phase == "cancelling"
    assert not desk.view.button_enabled
    desk.presenter.toggle(Selections(flair="F"))
    assert len(desk.worker.cancelled) == 1
    desk.worker.say("progress", stage="inference", fraction=0.5, overall=0.9, message="")
    assert desk.view.phase == "cancelling"
    desk.worker.say("cancelled")
    assert desk.view.phase == "cancelled"
    assert desk.left() == []


def test_a_cancelled_run_that_had_just_finished_is_a_result(desk):
    desk.run()
    desk.presenter.cancel()
    desk.worker.say("result", path="result", summary={})
    assert desk.view.phase == "done"
    assert len(desk.results) == 1


def test_cancelling_while_volumes_are_written_submits_nothing(desk):
    desk.presenter.segment(Selections(flair="F", t1="T"))
    desk.timers.pop(0)[1]()
    desk.presenter.cancel()
    desk.pass_time(5)
    assert desk.worker.documents == []
    assert desk.view.phase == "cancelled"
    assert desk.left() == []


@pytest.mark.parametrize(
    ("selections", "words"),
    [
        (Selections(flair=""), "No FLAIR"),
        (Selections(flair="F", t2="F"), "selected twice"),
    ],
)
def test_impossible_selections_are_refused_before_anything_is_written(desk, selections, words):
    desk.presenter.segment(selections)
    desk.pass_time(5)
    assert words in desk.view.error.what
    assert desk.view.error.remedy
    assert desk.worker.documents == desk.exporter.written == []


def test_a_volume_that_cannot_be_written_names_its_slot_and_the_cause(desk):
    desk.run(Selections(flair="F", t2="bad"))
    assert desk.view.phase == "failed"
    assert "T2" in desk.view.error.what
    assert "not at right angles" in desk.view.error.what
    assert desk.left() == []
    assert desk.worker.documents == []


def test_a_closed_scene_hears_nothing_more_and_the_files_go(desk):
    desk.run()
    shown = len(desk.views)
    desk.presenter.forget()
    assert desk.worker.cancelled == [desk.worker.documents[0]["job"]]
    desk.pass_time(5)
    desk.worker.say("progress", stage="inference", fraction=0.5, overall=0.9, message="")
    desk.worker.say("result", path="result", summary={})
    assert len(desk.views) == shown
    assert desk.results == []
    assert desk.left() == []
    assert not desk.presenter.view.is_running


def test_a_scene_closed_while_volumes_are_written_leaves_no_file(desk):
    desk.presenter.segment(Selections(flair="F", t1="T"))
    desk.timers.pop(0)[1]()
    desk.presenter.forget()
    desk.pass_time(5)
    assert desk.left() == []
    assert desk.worker.documents == []


def test_a_run_in_progress_is_not_disturbed_by_another_start(desk):
    desk.run()
    desk.presenter.preprocess(Selections(flair="G"))
    desk.pass_time()
    assert len(desk.worker.documents) == 1


def test_the_result_outlives_the_presenter_until_its_owner_removes_it(desk):
    folder = desk.run()
    (folder / "result").mkdir()
    desk.worker.say("result", path="result", summary={})
    desk.presenter.forget()
    assert (folder / "result").is_dir()
    shutil.rmtree(folder)


def test_a_first_answer_is_asked_for_and_said_to_be_one_until_the_run_ends(desk):
    previews = []
    desk.presenter._on_preview = previews.append
    desk.run()
    assert parse_job(desk.worker.documents[0]).spec.preview
    desk.worker.say("preview", path="/tmp/first", summary={"volume_ml": 2.3, "threshold": 0.5})
    assert previews == [Path("/tmp/first")]
    assert desk.view.note == "Preview, one look of the network: 2.30 ml. Uncertainty and the final answer follow."
    desk.worker.say("failed", code="job-failed", message="it broke", remedy="")
    assert desk.view.note == ""
