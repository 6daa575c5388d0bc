"""What can be compared with today's visit, and the run: without Qt and Slicer, by a worker that answers what the test says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from MSSoftSegGUI.prior.candidates import PriorCandidate, Today, find_earlier_sessions, offer_loaded_result
from MSSoftSegGUI.prior.presenter import ComparePresenter, find_free_name
from MSSoftSegGUI.worker.error_card import ErrorCard
from MSSoftSegGUI.worker.short_jobs import ShortJobs

from Testing.MSSoftSeg.stand_ins.made_comparisons import write_comparison
from Testing.MSSoftSeg.stand_ins.scripted_worker import Clock, ScriptedWorker

CASES = [{"case": f"sub-P1_ses-{n}", "patient": "P1", "session": str(n)} for n in (9, 10, 11)]
CASES.append({"case": "sub-P2_ses-1", "patient": "P2", "session": "1"})


class Masks:
    """Takes the place of what writes a reader's corrections: done when the test says so, at once unless ``waits``."""

    def __init__(self) -> None:
        self.masks = [{"mask": "auto"}, {"mask": "model"}]
        self.waits, self.asked, self.stopped = False, [], 0

    def write(self, today, prior, done, problem) -> None:
        self.asked.append((today, prior))
        self.done, self.problem = done, problem
        if not self.waits:
            done(self.masks)

    def stop(self) -> None:
        self.stopped += 1


class Desk:
    """The presenter with what stands around it."""

    def __init__(self, folder: Path) -> None:
        self.worker, self.library, self.clock, self.masks = ScriptedWorker(), ScriptedWorker(), Clock(), Masks()
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
            self.masks,
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
    assert spec["masks"] == desk.masks.masks
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
    assert desk.compared == [(dataclasses.replace(desk.today, prior=desk.view.chosen), out)]
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


def test_what_was_corrected_of_both_visits_is_written_first_and_goes_with_the_job(desk, tmp_path):
    desk.masks.waits = True
    desk.loaded = (offer_loaded_result("Anna 2019", tmp_path / "before", "node2"),)
    desk.presenter.follow(desk.today)
    desk.presenter.toggle()
    assert desk.worker.kinds == []
    assert desk.view.stage_text == "Taking over your corrections"
    ((today, prior),) = desk.masks.asked
    assert (today.exam, prior.exam) == ("node1", "node2")
    written = [{"mask": "model"}, {"mask": str(tmp_path / "today.nii"), "rater": "anna"}]
    desk.masks.done(written)
    assert desk.worker.spec()["masks"] == written


def test_what_cannot_be_written_stops_the_comparison_and_says_why(desk, tmp_path):
    desk.masks.waits = True
    desk.presenter.follow(desk.today)
    desk.presenter.pick_folder(tmp_path / "2019")
    desk.presenter.toggle()
    desk.masks.problem(ErrorCard("The disk is full.", "Free some space.", ""))
    assert desk.view.error.what == "The disk is full."
    assert not desk.view.is_running
    assert desk.worker.kinds == []


def test_cancel_while_corrections_are_written_lets_nothing_begin(desk, tmp_path):
    desk.masks.waits = True
    desk.presenter.follow(desk.today)
    desk.presenter.pick_folder(tmp_path / "2019")
    desk.presenter.toggle()
    desk.presenter.toggle()
    assert desk.masks.stopped == 1
    assert desk.view.note == "Cancelled."
    assert desk.worker.kinds == []


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


def case(*raters, status="approved") -> dict:
    """What the library says of a case; raters: who drew on it, one after the other."""
    masks = {
        rater: {"path": rater, "sha256": f"of {rater}", "time": f"2026-0{n}-01"} for n, rater in enumerate(raters, 1)
    }
    return {"status": status, "raters": masks, "images": {"flair": "/library/sub-P1/ses-10/anat/FLAIR.nii.gz"}}


def look(desk, today, *raters, **known):
    """The section is opened, and the library answers: which sessions, and who drew on the one that is chosen."""
    desk.presenter.follow(today)
    desk.presenter.look()
    desk.library.answer(cases=CASES)
    if raters:
        desk.library.answer(**case(*raters, **known))


def test_of_several_raters_the_latest_is_named_and_another_can_be_chosen(desk):
    look(desk, desk.today, "zoe", "anna")
    assert (desk.view.raters, desk.view.rater) == (("anna", "zoe"), "")
    desk.presenter.toggle()
    desk.library.answer(**case("zoe", "anna"))
    assert "rater" not in desk.worker.spec()
    desk.tell("cancelled")
    desk.presenter.choose_rater("zoe")
    desk.presenter.toggle()
    desk.library.answer(**case("zoe", "anna"))
    assert desk.worker.spec()["rater"] == "zoe"
    desk.tell("result", path="change", summary={})
    assert (desk.compared[-1][0].prior, desk.compared[-1][0].rater) == ("library:sub-P1_ses-10", "zoe")


@pytest.mark.parametrize(("raters", "status"), [(("anna",), "approved"), (("anna", "zoe"), "segmented")])
def test_there_is_no_choice_where_one_rater_drew_or_nobody_read_the_case(desk, raters, status):
    look(desk, desk.today, *raters, status=status)
    assert desk.view.raters == ()


def test_a_rater_belongs_to_the_case_she_drew_on(desk):
    look(desk, desk.today, "zoe", "anna")
    desk.presenter.choose_rater("zoe")
    desk.presenter.choose("library:sub-P1_ses-9")
    assert (desk.view.raters, desk.view.rater) == ((), "")
    desk.library.answer(**case("ben", "carla"))
    assert desk.view.raters == ("carla", "ben")


def test_what_was_compared_is_chosen_again_with_its_rater_whatever_comes_first(desk, tmp_path):
    desk.loaded = (offer_loaded_result("Anna 2019", tmp_path / "before"),)
    today = dataclasses.replace(desk.today, prior="library:sub-P1_ses-9", rater="zoe")
    look(desk, today, "zoe", "anna")
    assert (desk.view.candidate.case, desk.view.rater) == ("sub-P1_ses-9", "zoe")
    desk.presenter.choose("library:sub-P1_ses-10")
    desk.presenter.follow(today)
    assert desk.view.candidate.case == "sub-P1_ses-10"


def test_compare_again_takes_the_same_visit_although_another_one_is_chosen(desk, tmp_path):
    (tmp_path / "2019").mkdir()
    today = dataclasses.replace(desk.today, prior=f"folder:{tmp_path / '2019'}")
    desk.presenter.follow(today)
    desk.presenter.pick_folder(tmp_path / "2018")
    desk.presenter.compare_again()
    assert desk.worker.spec()["visits"][0] == str(tmp_path / "2019")


def test_compare_again_asks_for_a_visit_that_is_not_there_any_more(desk, tmp_path):
    desk.presenter.follow(dataclasses.replace(desk.today, prior=f"folder:{tmp_path / 'gone'}"))
    desk.presenter.compare_again()
    assert "Choose the earlier visit" in desk.view.note
    assert desk.worker.documents == []
