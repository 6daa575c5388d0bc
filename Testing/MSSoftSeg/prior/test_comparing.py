"""What can be compared with today's visit, and the run: without Qt and Slicer, by a worker that answers what the test says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from MSSoftSegGUI.prior.candidates import PriorCandidate, Today, find_earlier_sessions, offer_loaded_result
from MSSoftSegGUI.prior.presenter import ComparePresenter, find_free_name
from MSSoftSegGUI.worker.short_jobs import ShortJobs

from Testing.MSSoftSeg.stand_ins.made_comparisons import write_comparison
from Testing.MSSoftSeg.stand_ins.scripted_worker import Clock, ScriptedWorker

CASES = [{"case": f"sub-P1_ses-{n}", "patient": "P1", "session": str(n)} for n in (9, 10, 11)]
CASES.append({"case": "sub-P2_ses-1", "patient": "P2", "session": "1"})


class Desk:
    """The presenter with what stands around it."""

    def __init__(self, folder: Path) -> None:
        self.worker, self.library, self.clock = ScriptedWorker(), ScriptedWorker(), Clock()
        self.compared: list[tuple[Today, Path]] = []
        self.loaded: tuple[PriorCandidate, ...] = ()
        self.keep, self.runs = "", folder / "runs"
        result = folder / "today" / "result"
        result.mkdir(parents=True)
        facts = {"model": {"name": "starter"}, "brain_extraction": "atlas", "tta": "flips8"}
        (result / "result.json").write_text(json.dumps(facts))
        self.today = Today("node1", "Anna", result, library=str(folder), patient="P1", session="11")
        self.presenter = ComparePresenter(
            self.worker,
            ShortJobs(self.library),
            self.clock.later,
            runs_folder=self.runs,
            loaded=lambda: self.loaded,
            keep=lambda: self.keep,
            show=lambda view: None,
            on_compared=lambda today, place: self.compared.append((today, place)),
            clock=lambda: self.clock.now,
        )

    @property
    def view(self):
        """What is shown."""
        return self.presenter.view

    def tell(self, event: str, **fields) -> None:
        """The worker says something of the comparison."""
        self.worker._tell(-1, event=event, **fields)


@pytest.fixture
def desk(tmp_path):
    """Nothing is chosen yet."""
    return Desk(tmp_path)


def test_sessions_before_this_one_are_offered_the_latest_first():
    assert [each.case for each in find_earlier_sessions(CASES, "P1", "11")] == ["sub-P1_ses-10", "sub-P1_ses-9"]
    assert [each.case for each in find_earlier_sessions(CASES, "P1", "9")] == []
    assert find_earlier_sessions(CASES, "P1", "")[0].case == "sub-P1_ses-11"


def test_the_librarys_earlier_session_is_found_by_itself_and_chosen(desk, tmp_path):
    desk.presenter.follow(desk.today)
    assert desk.library.kinds == []
    desk.presenter.look()
    desk.library.answer(cases=CASES)
    assert desk.view.candidate.case == "sub-P1_ses-10"
    desk.presenter.toggle()
    assert desk.library.spec() == {"library": str(tmp_path), "case": "sub-P1_ses-10"}
    desk.library.answer(images={"flair": str(tmp_path / "sub-P1" / "ses-10" / "anat" / "FLAIR.nii.gz")})
    assert desk.worker.kinds == ["change"]
    spec = desk.worker.spec()
    assert spec["visits"] == [str(tmp_path / "sub-P1" / "ses-10" / "anat"), str(desk.today.result)]
    assert (spec["model"], spec["tta"], spec["preprocessing"]) == ("starter", "flips8", {"brain": "atlas"})


def test_progress_names_the_visit_and_its_stage_and_the_end_hands_the_folder_over(desk, tmp_path):
    desk.loaded = (offer_loaded_result("Anna 2019", tmp_path / "before"),)
    desk.presenter.follow(desk.today)
    desk.presenter.toggle()
    desk.tell("progress", stage="before", fraction=0.5, overall=0.3, message="inference")
    assert desk.view.stage_text == "Earlier visit: Finding lesions"
    assert desk.view.percent == pytest.approx(30.0)
    out = Path(desk.worker.spec()["out"])
    assert desk.runs in out.parents
    desk.tell("result", path="change", summary={})
    assert desk.compared == [(desk.today, out)]
    assert not desk.view.is_running


def test_todays_own_result_is_not_offered_and_without_one_nothing_can_start(desk):
    desk.loaded = (offer_loaded_result("Anna", desk.today.result),)
    desk.presenter.follow(desk.today)
    assert desk.view.candidates == ()
    assert "folder of an earlier visit" in desk.view.hint
    desk.presenter.follow(dataclasses.replace(desk.today, result=None))
    assert "Segment this exam first" in desk.view.hint
    desk.presenter.toggle()
    assert desk.worker.documents == []


def test_a_folder_that_is_a_comparison_already_is_opened_and_any_other_is_chosen(desk, tmp_path):
    desk.presenter.follow(desk.today)
    done = write_comparison(tmp_path / "done")
    desk.presenter.pick_folder(done)
    assert desk.compared == [(desk.today, done)]
    desk.presenter.pick_folder(tmp_path / "2019")
    assert desk.view.candidate.folder == tmp_path / "2019"


def test_a_refusal_says_what_to_do_in_the_panels_words(desk, tmp_path):
    desk.presenter.follow(desk.today)
    desk.presenter.pick_folder(tmp_path / "2019")
    desk.presenter.toggle()
    desk.worker.fail(code="bad-exam", message="before holds no FLAIR", remedy="use --keep-working")
    assert desk.view.error.what == "Before holds no FLAIR."
    assert "--" not in desk.view.error.remedy
    assert "another prior" in desk.view.error.remedy


def test_cancel_is_a_message_and_another_click_does_nothing(desk, tmp_path):
    desk.presenter.follow(desk.today)
    desk.presenter.pick_folder(tmp_path / "2019")
    desk.presenter.toggle()
    desk.presenter.toggle()
    desk.presenter.toggle()
    assert desk.worker.cancelled == [desk.worker.documents[0]["job"]]
    desk.tell("cancelled")
    assert desk.view.note == "Cancelled."
    assert not desk.view.is_running


def test_nothing_comes_back_into_a_scene_that_was_closed(desk, tmp_path):
    desk.presenter.follow(desk.today)
    desk.presenter.pick_folder(tmp_path / "2019")
    desk.presenter.toggle()
    desk.presenter.forget()
    desk.tell("result", path="change", summary={})
    assert desk.compared == []
    assert not desk.view.is_running


def test_kept_comparisons_never_share_a_folder(desk, tmp_path):
    desk.keep = str(tmp_path / "kept")
    desk.presenter.follow(desk.today)
    desk.presenter.pick_folder(tmp_path / "2019")
    desk.presenter.toggle()
    assert Path(desk.worker.spec()["out"]) == tmp_path / "kept" / "Anna_change"
    (tmp_path / "kept" / "Anna_change").mkdir(parents=True)
    assert find_free_name(tmp_path / "kept", "Anna").name == "Anna_change_2"
    assert find_free_name(tmp_path / "kept", "../x y").name == "x_y_change"
