"""The soft label that is previewed: what the worker is asked, and that an answer which is out of date is never shown."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest
from MSSoftSegGUI.soft_label.presenter import DRAWING, REST_S, Rater, SoftCase, SoftInputs, SoftLabelPresenter
from MSSoftSegGUI.worker.error_card import ErrorCard
from MSSoftSegGUI.worker.soft_label_choices import MERGES, METHODS, SoftChoices

from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from Testing.MSSoftSeg.stand_ins.scripted_worker import Clock, short_jobs

ANSWER = {"soft_volume_ml": 3.2, "core_volume_ml": 2.5, "shell_voxels": 812, "warnings": []}


class FakeStage:
    """Writes and shows at once, unless it is told to wait."""

    def __init__(self):
        self.shown, self.hidden, self.waiting, self.waits = [], 0, [], False

    def write(self, done, problem):
        done(SoftInputs(Path("drawing.nii"), Path("FLAIR.nii")))

    def show(self, soft_mask, done, problem):
        self.shown.append(soft_mask)
        if self.waits:
            self.waiting.append(done)
        else:
            done()

    def hide(self):
        self.hidden += 1
        self.shown.clear()


class Preview:
    def __init__(self, folder):
        self.worker, jobs = short_jobs()
        self.stage, self.clock, self.views = FakeStage(), Clock(), []
        self.presenter = SoftLabelPresenter(jobs, self.stage, self.clock.later, folder=folder, show=self.views.append)

    @property
    def view(self):
        return self.presenter.view

    def open(self, *others, key="exam", possible=False):
        raters = (Rater(DRAWING), *(Rater(name, Path(f"{name}.nii.gz")) for name in others))
        self.presenter.follow(SoftCase(key, raters, possible))

    def change(self, **changes):
        self.presenter.change(dataclasses.replace(self.view.choices, **changes))

    def rest(self):
        self.clock.pass_time(REST_S)


@pytest.fixture
def preview(tmp_path):
    return Preview(tmp_path)


@pytest.mark.parametrize("raters", [1, 2])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("merge", MERGES)
def test_every_choice_that_is_offered_is_one_that_the_worker_takes(merge, method, raters):
    settings = SoftLabelSettings(**SoftChoices(merge, method).settings(raters))
    assert settings.merge == (merge if raters > 1 else None)
    assert settings.method == ("none" if raters > 1 and merge == "mean" else method)
    assert SoftChoices(merge, method).name(raters).isalnum()


def test_the_choices_begin_as_the_projects_own_recipe_has_them():
    from MSSoftSegLib.resources import find_resources

    recipe = tomllib.loads((find_resources() / "Recipes" / "mssoftseg.toml").read_text(encoding="utf-8"))
    begun = SoftChoices().settings(2)
    assert {name: begun[name] for name in recipe["labels"]} == recipe["labels"]


@pytest.mark.parametrize(
    ("choices", "raters", "possible", "used"),
    [
        (SoftChoices(method="voxelwise"), 1, False, {"method", "gamma", "radius_mm"}),
        (SoftChoices(method="kats"), 1, False, {"method", "gamma", "size_percent"}),
        (SoftChoices(method="gaussian"), 1, False, {"method", "sigma_mm"}),
        (SoftChoices(method="gaussian"), 1, True, {"method", "sigma_mm", "gamma"}),
        (SoftChoices("union", "ramp"), 2, False, {"merge", "method", "radius_mm"}),
        (SoftChoices("soft-union", "none"), 2, False, {"merge", "method", "gamma"}),
        (SoftChoices("mean", "kats"), 2, False, {"merge"}),
        (SoftChoices("union", "none"), 2, False, {"merge", "method"}),
    ],
)
def test_only_the_controls_that_make_a_difference_are_enabled(choices, raters, possible, used):
    assert choices.used(raters, has_possible=possible) == used


def test_nothing_is_computed_before_it_is_asked_for(preview):
    preview.open()
    preview.change(gamma=0.3)
    preview.clock.pass_time(10)
    assert preview.worker.documents == []
    assert preview.view.has_case


def test_the_worker_is_asked_for_what_the_controls_say_once_the_hand_rests(preview):
    preview.open("bob")
    preview.presenter.set_on(True)
    for gamma in (0.1, 0.2, 0.3):
        preview.change(gamma=gamma, method="barilan")
        preview.clock.pass_time(REST_S / 2)
    assert preview.worker.documents == []
    preview.rest()
    assert preview.worker.kinds == ["softmask"]
    spec = preview.worker.spec()
    assert spec["raters"] == ["drawing.nii", "bob.nii.gz"]
    assert (spec["softening"]["gamma"], spec["softening"]["method"]) == (0.3, "barilan")
    preview.worker.answer(**ANSWER)
    assert preview.stage.shown == [Path(spec["out"])]
    assert preview.view.summary == "Soft volume 3.20 ml · certain lesion 2.50 ml · 812 voxels in the shell"
    assert preview.presenter.shown_file == Path(spec["out"])


def test_an_answer_to_an_older_question_is_never_shown(preview):
    preview.open()
    preview.presenter.set_on(True)
    preview.rest()
    preview.change(gamma=0.9)
    assert preview.worker.cancelled == [preview.worker.documents[0]["job"]]
    preview.worker.answer(0, **ANSWER)
    assert preview.stage.shown == []
    preview.rest()
    preview.worker.answer(0, **ANSWER)
    assert preview.view.is_busy
    preview.worker.answer(1, **{**ANSWER, "soft_volume_ml": 9.0})
    assert preview.stage.shown == [Path(preview.worker.spec(1)["out"])]
    assert "9.00" in preview.view.summary


def test_a_mask_that_is_being_shown_while_the_brush_moves_on_is_not_called_current(preview):
    preview.stage.waits = True
    preview.open()
    preview.presenter.set_on(True)
    preview.rest()
    preview.worker.answer(**ANSWER)
    preview.presenter.drawing_changed(has_possible=True)
    preview.stage.waiting.pop()()
    assert not preview.view.is_shown
    assert preview.presenter.shown_file is None
    assert preview.view.is_busy


def test_painting_asks_again_and_possible_lesion_makes_gamma_count(preview):
    preview.open()
    preview.change(method="gaussian")
    preview.presenter.set_on(True)
    preview.rest()
    preview.worker.answer(**ANSWER)
    assert "gamma" not in preview.view.used
    preview.presenter.drawing_changed(has_possible=True)
    preview.rest()
    assert len(preview.worker.documents) == 2
    assert "gamma" in preview.view.used


def test_an_error_is_told_with_a_step_that_helps_here_and_takes_the_old_mask_away(preview):
    preview.open()
    preview.presenter.set_on(True)
    preview.rest()
    preview.worker.answer(**ANSWER)
    preview.change(radius_mm=4.0)
    preview.rest()
    preview.worker.fail(code="worker-killed", message="the worker was killed", remedy="Click Segment again.")
    assert preview.stage.shown == []
    assert preview.view.error.what == "The worker was killed."
    assert "Segment" not in preview.view.error.remedy
    assert preview.presenter.shown_file is None
    preview.change(radius_mm=3.0)
    preview.rest()
    preview.worker.answer(**ANSWER)
    assert preview.view.error is None
    assert preview.view.is_shown


def test_another_exam_takes_the_mask_of_the_first_away(preview):
    preview.open()
    preview.presenter.set_on(True)
    preview.rest()
    preview.open(key="other")
    preview.worker.answer(0, **ANSWER)
    assert preview.stage.shown == []
    preview.presenter.follow(None)
    assert not preview.view.has_case
    preview.rest()
    assert len(preview.worker.documents) == 1


def test_raters_can_be_left_out_but_not_all_of_them(preview):
    preview.open("bob", "carl")
    preview.presenter.set_on(True)
    preview.presenter.choose_raters(frozenset({"bob", "carl"}))
    preview.rest()
    assert preview.worker.spec()["raters"] == ["bob.nii.gz", "carl.nii.gz"]
    preview.presenter.choose_raters(frozenset({"bob"}))
    preview.rest()
    assert preview.worker.spec()["softening"]["merge"] is None
    preview.presenter.choose_raters(frozenset())
    assert all(chosen for _name, _title, chosen in preview.view.raters)


def test_what_cannot_be_written_for_the_worker_is_told(preview):
    card = ErrorCard("The disk is full.", "Free some space.", "ENOSPC")
    preview.stage.write = lambda done, problem: problem(card)
    preview.open()
    preview.presenter.set_on(True)
    preview.rest()
    assert preview.view.error is card
    assert not preview.view.is_busy
