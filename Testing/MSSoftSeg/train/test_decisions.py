"""Before a training: what would happen; after it: old against new, and never silently worse."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from MSSoftSegGUI.train.choices import TrainChoices, name_run_folder, suggest_name
from MSSoftSegGUI.train.judgment import COMPARISON, COMPARISON_FILE, JudgmentPresenter
from MSSoftSegGUI.train.long_jobs import LongJobs
from MSSoftSegGUI.train.preflight import PreflightPresenter, say_duration

from Testing.MSSoftSeg.stand_ins.made_jobs import MadeJob
from Testing.MSSoftSeg.stand_ins.scripted_worker import Clock, ScriptedWorker

CHOICES = TrainChoices(library="/share/library", recipe="mssoftseg-adapt", init="starter", epochs=2, name="model-2")
PREFLIGHT = {
    "patients": 5, "visits": 7, "cases": 7, "folds": None, "models": 1, "training": 6, "validation": 1,
    "estimated_s": 5400.0, "disk_needed_mb": 2345.0, "disk_free_mb": 812.0,
    "findings": [
        {"severity": "note", "message": "one rater only", "remedy": ""},
        {"severity": "warning", "message": "spacings differ", "remedy": "this is handled"},
    ],
}  # fmt: skip


def measure(first, second, low, high, n=3):
    return {"first": first, "second": second, "difference": second - first, "low": low, "high": high, "n": n}


def comparison(verdict="better", **more):
    case = {"case": "sub-03", "patient": "03", "first": {"dsc": 0.6, "lesion_f1": 0.5, "ece_lesion": 0.2},
            "second": {"dsc": 0.5, "lesion_f1": None, "ece_lesion": 0.1}}  # fmt: skip
    base = {"patients": 4, "measures": {"dsc": measure(0.8, 0.79, -0.02, 0.0, n=4)}, "per_case": []}
    measures = {"dsc": measure(0.6, 0.7, 0.05, 0.15), "lesion_f1": measure(0.5, 0.45, -0.1, 0.01)}
    measures["ece_lesion"] = measure(0.2, 0.25, 0.0, 0.1)
    return {
        "first": {"name": "starter"}, "second": {"name": "model-1"}, "cases": 3, "patients": 2,
        "measures": measures, "per_case": [case], "base": base, "verdict": verdict, "reason": "DSC rose", **more,
    }  # fmt: skip


class Desk:
    """Pre-flight and judgment, with a worker for each kind of job."""

    def __init__(self):
        self.worker, self.judge, self.clock = ScriptedWorker(), ScriptedWorker(), Clock()
        self.judge.restart = lambda: self.judge.cancelled.append("process")
        self.questions, self.answer, self.decided = [], True, []
        self.preflight = PreflightPresenter(
            self.worker, self.clock.later, models=lambda: Path("/models"), show=lambda view: None
        )
        self.judgment = JudgmentPresenter(
            self.judge,
            self.worker,
            show=lambda view: None,
            confirm=self._ask,
            on_decided=self.decided.append,
            is_default=lambda model: model.name == "the-default",
        )

    def _ask(self, question):
        self.questions.append(question)
        return self.answer


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A training that came to its good end."""
    monkeypatch.setenv("MSSOFTSEG_JOBS", str(tmp_path / "jobs"))
    job = MadeJob(LongJobs().models_folder())
    job.finish()
    return LongJobs().state(job.folder)


def ask(desk, choices=CHOICES):
    desk.preflight.choose(choices)
    desk.clock.pass_time(1)


def test_a_preflight_says_what_would_happen_and_what_is_wrong_worst_first(desk):
    ask(desk)
    assert desk.worker.kinds == ["train-preflight"]
    assert desk.worker.spec()["out"] == str(Path("/models/model-2"))
    assert desk.worker.spec()["statuses"] == ["approved"]
    desk.worker.answer(**PREFLIGHT)
    view = desk.preflight.view
    assert "5 patients, 7 visits, 7 cases." in view.text
    assert "6 cases are learned from, 1 held out" in view.text
    assert "2 hours" in say_duration(7200)
    assert "1.5 hours" in view.text
    assert "2.3 GB of disk are needed, 812 MB are free" in view.text
    assert [finding.severity for finding in view.findings] == ["warning", "note"]
    assert view.findings[0].text == "Spacings differ. This is handled."
    assert view.can_train


def test_an_error_makes_the_button_do_nothing(desk):
    ask(desk)
    desk.worker.answer(**PREFLIGHT | {"findings": [{"severity": "error", "message": "no case", "remedy": "approve"}]})
    assert not desk.preflight.view.can_train


def test_what_speaks_of_the_command_line_is_left_out(desk):
    ask(desk)
    finding = {"severity": "error", "message": "ward-7 is being made", "remedy": "choose another --out"}
    desk.worker.answer(**PREFLIGHT | {"findings": [finding]})
    assert desk.preflight.view.findings[0].text == "Ward-7 is being made."


def test_a_second_training_is_possible_and_said_to_slow_both_down(desk):
    desk.preflight._others_running = lambda: True
    ask(desk)
    desk.worker.answer(**PREFLIGHT)
    assert "both take longer" in desk.preflight.view.findings[-1].text
    assert desk.preflight.view.can_train


def test_nothing_is_asked_while_a_name_is_typed_and_an_older_answer_is_dropped(desk):
    for letters in ("m", "mo", "mod"):
        desk.preflight.choose(TrainChoices(library="/l", recipe="r", name=letters))
        desk.clock.pass_time(0.2)
    desk.clock.pass_time(1)
    assert [document["spec"]["out"] for document in desk.worker.documents] == [str(Path("/models/mod"))]
    ask(desk)
    desk.worker.answer(0, **PREFLIGHT | {"patients": 99})
    assert "99" not in desk.preflight.view.text
    assert desk.worker.cancelled == [desk.worker.documents[0]["job"]]


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (TrainChoices(), "Choose the case library"),
        (TrainChoices(library="/l"), "Choose a recipe"),
        (TrainChoices(library="/l", recipe="r", name="my model"), "Name the new model"),
    ],
)
def test_what_is_still_to_be_chosen_is_said_and_no_worker_is_asked(desk, choices, said):
    ask(desk, choices)
    assert said in desk.preflight.view.text
    assert not desk.preflight.view.can_train
    assert desk.worker.kinds == []


def test_a_library_on_a_share_that_is_gone_is_a_finding(desk):
    ask(desk)
    desk.worker.fail(code="bad-library", message="library is not there", remedy="connect the share")
    assert desk.preflight.view.findings[0].text == "Library is not there. Connect the share."
    assert not desk.preflight.view.can_train


def test_before_the_packages_are_installed_the_section_says_so(desk):
    def absent():
        raise ImportError("platformdirs")

    desk.preflight._models = absent
    ask(desk)
    assert "Environment" in desk.preflight.view.findings[0].text
    assert desk.worker.kinds == []


def test_corrected_cases_are_learned_from_only_if_asked():
    with_corrected = TrainChoices(library="/l", recipe="r", name="m", with_corrected=True, folds=3)
    assert with_corrected.spec(Path("/m"))["statuses"] == ["approved", "corrected"]
    assert with_corrected.spec(Path("/m"))["folds"] == 3
    assert CHOICES.spec(Path("/m"))["folds"] is None


def test_a_name_is_suggested_that_no_model_has():
    day = datetime.date(2026, 3, 1)
    assert suggest_name("/share/Klinik Süd!", set(), day) == "Klinik-S-d-2026-03-01"
    assert suggest_name("/share/ms", {"ms-2026-03-01", "ms-2026-03-01-2"}, day) == "ms-2026-03-01-3"
    assert TrainChoices("/l", recipe="r", name=suggest_name("/share/ß", set(), day)).problem() == ""


def compared(desk, trained, verdict="better", **more):
    desk.judgment.choose(trained)
    desk.judgment.compare()
    desk.judge.answer(**comparison(verdict, **more))


def test_nothing_can_be_decided_before_it_was_compared(desk, trained):
    desk.judgment.choose(trained)
    assert desk.judgment.view.phase == "open"
    desk.judgment.decide("default")
    assert desk.worker.kinds == []


def test_the_comparison_is_of_the_held_out_cases_of_this_very_run(desk, trained):
    desk.judgment.choose(trained)
    desk.judgment.compare("cpu")
    desk.judgment.compare("cpu")
    assert desk.judge.kinds == ["compare-models"], "a second click compares nothing"
    spec = desk.judge.spec()
    assert spec["second"] == trained.spec["out"]
    assert spec["run"] == str(name_run_folder(trained.spec))
    assert spec["device"] == "cpu"
    assert desk.worker.kinds == [], "short jobs do not wait behind it"


def test_what_was_found_is_said_with_its_measures_and_each_case(desk, trained):
    compared(desk, trained)
    view = desk.judgment.view
    assert view.verdict_text == "model-1 is better than starter. DSC rose."
    rows = {row.name: row for row in view.rows}
    assert (rows["DSC"].first, rows["DSC"].second, rows["DSC"].difference) == (
        "0.600",
        "0.700",
        "+0.100\n+0.050 … +0.150",
    )
    assert not rows["DSC"].is_worse
    assert rows["Lesion F1"].is_worse
    assert rows["Calib. error"].is_worse, "more of it is worse"
    assert rows["digital: DSC"].is_worse
    assert view.cases[0].name == "sub-03"
    assert view.cases[0].second == "0.50 / – / 0.10"
    assert view.cases[0].is_worse
    assert desk.judge.cancelled == ["process"], "its memory is given back"


def test_a_better_model_is_installed_by_one_click(desk, trained):
    compared(desk, trained)
    assert desk.judgment.view.suggested == "default"
    desk.judgment.decide("default")
    assert desk.questions == []
    assert desk.worker.spec() == {"model": trained.spec["out"], "decision": "default", "accept_worse": False}
    desk.worker.answer(model="model-1", decision="default")
    assert desk.decided == ["default"]
    assert desk.judgment.view.phase == "decided"
    assert "is the default now" in desk.judgment.view.verdict_text


@pytest.mark.parametrize(("verdict", "word"), [("worse", "WORSE"), ("undecided", "could not show")])
def test_a_model_that_was_not_found_better_is_not_offered_and_asked_about_again(desk, trained, verdict, word):
    compared(desk, trained, verdict)
    assert desk.judgment.view.suggested == "candidate"
    desk.answer = False
    desk.judgment.decide("default")
    assert word in desk.questions[0]
    assert desk.worker.kinds == [], "no means no"
    desk.answer = True
    desk.judgment.decide("default")
    assert desk.worker.spec()["accept_worse"] is True


def test_a_verdict_that_is_not_known_here_counts_as_undecided(desk, trained):
    compared(desk, trained, "splendid")
    assert desk.judgment.view.suggested == "candidate"
    assert "not decided" in desk.judgment.view.verdict_text


def test_a_candidate_needs_no_question_and_a_discard_one(desk, trained):
    compared(desk, trained, "worse")
    desk.judgment.decide("candidate")
    assert desk.questions == []
    desk.worker.answer(model="model-1", decision="candidate")
    assert "The default is as before" in desk.judgment.view.verdict_text
    desk.judgment.decide("discard")
    assert desk.worker.kinds == ["promote-model"], "what is decided is decided"


def test_a_discard_is_asked_about(desk, trained):
    compared(desk, trained, "worse")
    desk.answer = False
    desk.judgment.decide("discard")
    assert desk.worker.kinds == []


def test_a_decision_that_failed_can_be_taken_again(desk, trained):
    compared(desk, trained)
    desk.judgment.decide("default")
    desk.worker.fail(code="disk-full", message="the disk is full", remedy="free some space, or choose another --out")
    view = desk.judgment.view
    assert view.phase == "judged"
    assert "disk" in view.error.what
    assert desk.decided == []
    desk.judgment.decide("default")
    assert desk.worker.kinds == ["promote-model", "promote-model"]


def test_a_comparison_that_failed_says_why_and_installs_nothing(desk, trained):
    desk.judgment.choose(trained)
    desk.judgment.compare()
    desk.judge.fail(code="bad-library", message="the library is not there", remedy="connect the share")
    view = desk.judgment.view
    assert (view.phase, view.can_decide, view.can_compare) == ("failed", False, True)
    assert view.error.what == "The library is not there."


def test_an_earlier_comparison_is_found_again(desk, trained):
    folder = name_run_folder(trained.spec) / COMPARISON
    folder.mkdir(parents=True)
    (folder / COMPARISON_FILE).write_text(json.dumps(comparison("worse")))
    desk.judgment.choose(trained)
    assert desk.judgment.view.verdict == "worse"
    assert desk.judge.kinds == []
    (folder / COMPARISON_FILE).write_text("{ torn")
    desk.judgment.forget()
    desk.judgment.choose(trained)
    assert desk.judgment.view.phase == "open"


def test_a_comparison_of_a_training_that_is_looked_away_from_is_stopped_and_dropped(desk, trained):
    desk.judgment.choose(trained)
    desk.judgment.compare()
    desk.judgment.choose(None)
    assert desk.judge.documents[0]["job"] in desk.judge.cancelled
    desk.judge.answer(**comparison("better"))
    assert desk.judgment.view.phase == "none"


def test_a_model_that_was_discarded_or_is_the_default_has_nothing_to_decide(desk, trained, monkeypatch):
    (Path(trained.spec["out"]) / "model.json").unlink()
    desk.judgment.choose(trained)
    assert desk.judgment.view.phase == "decided"
    assert "discarded" in desk.judgment.view.verdict_text
    job = MadeJob(LongJobs().models_folder(), "the-default")
    job.finish()
    desk.judgment.choose(LongJobs().state(job.folder))
    assert desk.judgment.view.verdict_text == "This model is the default."


def test_the_same_training_looked_at_again_keeps_its_verdict(desk, trained):
    compared(desk, trained)
    desk.judgment.choose(trained)
    assert desk.judgment.view.verdict == "better"
