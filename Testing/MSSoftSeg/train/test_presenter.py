"""Trainings as the panel sees them: watched through their folders, whoever started them and whatever becomes of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from MSSoftSegGUI.train.choices import TrainChoices, name_run_folder
from MSSoftSegGUI.train.long_jobs import LongJobs
from MSSoftSegGUI.train.presenter import TrainPresenter

from MSSoftSegLib.jobs.detached import reading
from MSSoftSegLib.jobs.detached.folder import create_job_folder
from Testing.MSSoftSeg.stand_ins.made_jobs import MadeJob
from Testing.MSSoftSeg.stand_ins.scripted_worker import Clock, ScriptedWorker

CHOICES = TrainChoices(library="/share/library", recipe="mssoftseg-adapt", init="starter", name="model-2")


class Watcher:
    """A panel that is open."""

    def __init__(self):
        self.worker, self.clock = ScriptedWorker(), Clock()
        self.finished, self.chosen = [], []
        self.presenter = TrainPresenter(
            LongJobs(),
            self.worker,
            self.clock.later,
            show=lambda view: None,
            on_chosen=self.chosen.append,
            on_finished=self.finished.append,
            clock=lambda: self.clock.now,
        )

    @property
    def view(self):
        return self.presenter.view


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MSSOFTSEG_JOBS", str(tmp_path / "jobs"))
    return LongJobs().models_folder()


@pytest.fixture
def watcher(models):
    return Watcher()


def test_where_nothing_was_ever_trained_nothing_is_shown(watcher):
    watcher.presenter.look()
    assert watcher.view.phase == "none"
    assert watcher.view.runs == ()


def test_a_training_that_runs_is_attached_to_with_all_that_it_said_before(models, watcher):
    job = MadeJob(models)
    job.metric("loss", 10, 2.5)
    job.metric("val_dice", 30, 0.4)
    job.progress(0.5, "step 30 of 60")
    watcher.presenter.look()
    view = watcher.view
    assert (view.phase, view.percent, view.chosen) == ("running", 50, str(job.folder))
    assert view.curves["loss"] == ((10, 2.5),)
    assert "DSC 0.40 at step 30" in view.headline
    assert "step 30 of 60" in view.stage_text
    assert view.can_stop
    assert not view.can_resume


def test_once_a_second_what_is_new_is_read_and_no_more(models, watcher):
    job = MadeJob(models)
    watcher.presenter.look()
    job.metric("loss", 10, 2.0)
    watcher.clock.pass_time(0.9)
    assert watcher.view.curves["loss"] == ()
    watcher.clock.pass_time(0.2)
    assert watcher.view.curves["loss"] == ((10, 2.0),)
    job.write('{"event": "metric", "name": "loss", "step": 20,')
    watcher.clock.pass_time(1)
    assert watcher.view.curves["loss"] == ((10, 2.0),), "half a line is none"
    job.write(' "value": 1.5}\n')
    watcher.clock.pass_time(1)
    assert watcher.view.curves["loss"] == ((10, 2.0), (20, 1.5))


def test_the_newest_that_runs_goes_before_a_newer_one_that_ended(models, watcher, monkeypatch):
    running, ended = MadeJob(models, "running"), MadeJob(models, "ended")
    ended.finish()
    watcher.presenter.look()
    assert watcher.view.chosen == str(running.folder)
    assert {run.title.split(" · ")[1] for run in watcher.view.runs} == {"running", "finished"}


def test_a_second_panel_watches_the_same_training_and_the_first_may_go(models, watcher):
    job = MadeJob(models)
    watcher.presenter.look()
    job.metric("val_dice", 30, 0.4)
    watcher.presenter.leave()
    watcher.clock.pass_time(5)
    assert watcher.view.curves == {}
    second = Watcher()
    second.presenter.look()
    assert second.view.curves["val_dice"] == ((30, 0.4),)
    assert not job.was_asked_to_stop, "closing a panel stops nothing"


def test_stop_asks_by_a_file_and_says_that_the_best_is_kept(models, watcher):
    job = MadeJob(models)
    watcher.presenter.look()
    watcher.presenter.stop()
    assert job.was_asked_to_stop
    assert watcher.view.phase == "stopping"
    assert not watcher.view.can_stop
    job.say("cancelled")
    watcher.clock.pass_time(1)
    assert watcher.view.phase == "stopped"
    assert "best weights are kept" in watcher.view.headline
    assert watcher.view.can_resume


def test_of_a_stopped_training_a_model_is_made_of_the_best_weights_so_far(models, watcher):
    job = MadeJob(models, library="/l")
    watcher.presenter.look()
    watcher.presenter.finish()
    job.say("cancelled")
    watcher.clock.pass_time(1)
    assert not watcher.view.can_finish, "there was no validation yet"
    job.metric("val_dice", 30, 0.4)
    job.say("cancelled")
    watcher.presenter.look()
    assert watcher.view.can_finish
    watcher.presenter.finish()
    assert watcher.worker.kinds == ["detach"]
    asked = watcher.worker.spec()["spec"]
    assert asked == {**job.spec, "resume": True, "overwrite": False, "replace": True, "finish": True}
    second = MadeJob(models, **asked)
    watcher.worker.answer(folder=str(second.folder), job=second.folder.name)
    assert watcher.view.curves["val_dice"] == ((30, 0.4),), "what the first job said is not forgotten"


def test_resume_goes_on_in_the_same_folder_and_the_curve_is_cut_at_its_checkpoint(models, watcher):
    job = MadeJob(models)
    for step in (10, 20, 30):
        job.metric("loss", step, 3 - step / 10)
    job.die()
    watcher.presenter.look()
    assert watcher.view.phase == "lost"
    watcher.presenter.resume()
    assert watcher.view.phase == "starting"
    assert watcher.worker.spec() == {"resume": str(job.folder)}
    job.live()
    job.say("log", level="info", message="resumed")
    job.say("started", kind="train", stages=[])
    watcher.worker.answer(folder=str(job.folder), job=job.folder.name)
    assert watcher.view.phase == "running"
    job.metric("loss", 20, 0.9)
    watcher.clock.pass_time(1)
    assert watcher.view.curves["loss"] == ((10, 2.0), (20, 0.9))


def test_a_training_is_started_by_one_short_job_and_watched_at_once(models, watcher):
    spec = CHOICES.spec(models)
    watcher.presenter.start(spec)
    watcher.presenter.start(spec)
    assert watcher.worker.kinds == ["detach"], "a second click starts nothing"
    job = MadeJob(models, "model-2")
    watcher.worker.answer(folder=str(job.folder), job=job.folder.name)
    assert watcher.view.phase == "running"
    assert watcher.view.chosen == str(job.folder)


def test_what_hinders_a_start_is_said_in_the_panels_words_and_the_other_training_goes_on(models, watcher):
    job = MadeJob(models)
    watcher.presenter.look()
    watcher.presenter.start(CHOICES.spec(models))
    watcher.worker.fail(
        code="output-exists", message="model-2 is being made by another job", remedy="wait, or add --out"
    )
    assert watcher.view.phase == "running"
    assert watcher.view.chosen == str(job.folder)
    assert "another job" in watcher.view.error.what
    assert "--out" not in watcher.view.error.remedy
    assert "another name" in watcher.view.error.remedy


def test_a_training_that_comes_to_its_end_is_told_once(models, watcher):
    job = MadeJob(models)
    watcher.presenter.look()
    job.finish()
    watcher.clock.pass_time(3)
    assert [state.name for state in watcher.finished] == [job.folder.name]
    assert watcher.view.phase == "finished"
    assert "Compare" in watcher.view.headline
    assert watcher.view.percent == 100


def test_one_that_ended_while_nobody_looked_is_shown_and_starts_nothing_by_itself(models, watcher):
    job = MadeJob(models)
    job.finish()
    watcher.presenter.look()
    assert watcher.view.phase == "finished"
    assert watcher.finished == []
    assert watcher.chosen[-1].name == job.folder.name


def test_a_failure_says_what_and_what_to_do_and_can_be_resumed(models, watcher):
    job = MadeJob(models)
    job.say("log", level="info", message="case 3 of 8")
    job.say("failed", code="bad-image", message="case sub-03: FLAIR.nii.gz cannot be read", remedy="repair it")
    watcher.presenter.look()
    assert watcher.view.error.what == "Case sub-03: FLAIR.nii.gz cannot be read."
    assert watcher.view.error.remedy == "Repair it."
    assert "case 3 of 8" in watcher.view.error.details
    assert watcher.view.can_resume


def test_a_full_disk_is_told_in_words_of_this_section(models, watcher):
    job = MadeJob(models)
    job.say("failed", code="disk-full", message="the disk is full", remedy="free some space, or choose another --out")
    watcher.presenter.look()
    assert "Resume" in watcher.view.error.remedy


def test_a_job_folder_that_vanishes_is_told_and_the_others_are_still_there(models, watcher):
    other = MadeJob(models, "other")
    other.finish()
    job = MadeJob(models, "gone")
    watcher.presenter.look()
    job.vanish()
    watcher.clock.pass_time(2)
    assert watcher.view.phase == "gone"
    assert "removed" in watcher.view.headline
    assert [run.folder for run in watcher.view.runs] == [str(other.folder)]
    watcher.presenter.stop()
    watcher.presenter.resume()
    assert watcher.worker.kinds == []


def test_a_folder_that_vanishes_under_the_click_on_stop_is_told(models, watcher):
    job = MadeJob(models)
    watcher.presenter.look()
    job.vanish()
    watcher.presenter.stop()
    assert "could not be asked to stop" in watcher.view.error.what


def test_another_training_can_be_looked_at_while_one_runs(models, watcher):
    other, job = MadeJob(models, "other"), MadeJob(models, "newer")
    other.metric("loss", 10, 1.0)
    job.metric("loss", 10, 9.0)
    watcher.presenter.look()
    watcher.presenter.choose(str(other.folder))
    assert watcher.view.curves["loss"] == ((10, 1.0),)
    watcher.presenter.look()
    assert watcher.view.chosen == str(other.folder), "it runs too, and was chosen"


def test_a_new_member_of_an_ensemble_begins_its_curve_anew(models, watcher):
    job = MadeJob(models)
    for step in (10, 20, 30, 10):
        job.metric("loss", step, float(step))
    watcher.presenter.look()
    assert watcher.view.curves["loss"] == ((10, 10.0),)


@pytest.mark.parametrize("value", [float("nan"), None, "0.5", True])
def test_a_value_that_is_none_is_no_point(models, watcher, value):
    job = MadeJob(models)
    job.metric("loss", 10, value)
    job.metric("loss", 20, 1.0)
    watcher.presenter.look()
    assert watcher.view.curves["loss"] == ((20, 1.0),)


def test_the_newest_picture_is_the_one_that_is_shown(models, watcher):
    job = MadeJob(models)
    for number, name in enumerate(("fold-0-model-0", "fold-1-model-0")):
        path = name_run_folder(job.spec) / name / "validation.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"png")
        os.utime(path, (1000 + number, 1000 + number))
    watcher.presenter.look()
    assert watcher.view.picture == name_run_folder(job.spec) / "fold-1-model-0" / "validation.png"


def test_the_time_that_is_left_is_reckoned_from_when_it_was_first_seen(models, watcher):
    job = MadeJob(models)
    job.progress(0.5)
    watcher.presenter.look()
    assert watcher.view.remaining_text == ""
    watcher.clock.pass_time(60)
    job.progress(0.6)
    watcher.clock.pass_time(1)
    assert watcher.view.remaining_text == "about 4 min left"


def test_before_the_packages_are_installed_there_are_no_trainings(monkeypatch):
    def absent():
        raise ImportError("platformdirs")

    monkeypatch.setattr("MSSoftSegGUI.train.long_jobs.list_jobs", absent)
    assert LongJobs().trainings() == ()


def test_a_job_of_another_kind_is_none_of_the_panels(models, watcher):
    create_job_folder("study", {"out": "/x"})
    assert len(reading.list_jobs()) == 1
    assert LongJobs().trainings() == ()
