"""The whole loop in the panel with real workers, real training and real scene: segment three, correct, approve, train from
the model that ships, lose worker and panel while it trains, attach again, compare, install, segment a fourth with the new
model. Small pieces of digital patients."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from Testing.MSSoftSeg.people.learner import RECIPE, STEPS, at_work, write_exam, write_library

SEEDS, NEXT_SEED = (1, 2, 3), 4
NEW_MODEL = "ward-7"
# What the correction adds, (k, j, i): inside the piece of brain, away from its border.
MISSED = (slice(12, 15), slice(12, 15), slice(12, 15))


@pytest.fixture(scope="module")
def loop(host, tmp_path_factory):
    """The loop once; what was seen after each step is kept for the sentences below."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MSSOFTSEG_JOBS", str(tmp_path_factory.mktemp("loop") / "jobs"))
    patch.setenv("MSSOFTSEG_MODELS", str(tmp_path_factory.mktemp("loop-models")))
    library = write_library(tmp_path_factory.mktemp("share") / "library", SEEDS)
    recipe = tmp_path_factory.mktemp("recipe") / "few-steps.toml"
    recipe.write_text(RECIPE)
    exam = write_exam(tmp_path_factory.mktemp("exam") / "Dora", NEXT_SEED)
    seen = SimpleNamespace(library=library)
    try:
        with at_work(host) as person:
            _curate(person, seen)
            _train(person, seen, recipe)
            _decide(person, seen)
            _use(person, seen, exam)
        yield seen
    finally:
        patch.undo()


def _curate(person, seen):
    person.choose_library(seen.library)
    person.log_in("anna")
    person.take_brain_as_given()
    seen.found, seen.corrected = [], []
    for seed in SEEDS:
        person.open(f"sub-P{seed}")
        person.segment()
        seen.found.append(person.drawing())
        labels = person.drawing()
        labels[MISSED] = 1
        person.correct(labels)
        person.save("approveButton")
        seen.corrected.append(person.drawing())


def _train(person, seen, recipe):
    person.training.enter()
    seen.library_chosen = person.ui("trainLibraryEdit").currentPath
    person.plan(recipe, NEW_MODEL)
    seen.preflight = person.training.preflight.view
    person.train()
    seen.started = person.run
    seen.plots_shown = person.training.curves.isShown
    os.kill(int(person.workbench.quickWorker._process._process.processId()), signal.SIGKILL)
    person.reopen()
    seen.attached = person.run
    person.training.judgment.base_patients = 0
    person.training.onCurves(True)
    person.wait_phase("finished", "failed", "lost")
    seen.trained = person.run
    seen.plotted = _plotted()
    seen.picture_shown = person.ui("pictureLabel").visible


def _plotted():
    """The steps of each curve in the scene."""
    import slicer

    found = {}
    for series in slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode"):
        table = series.GetTableNode().GetTable()
        column = table.GetColumnByName(series.GetXColumnName())
        found[series.GetYColumnName()] = [column.GetValue(row) for row in range(table.GetNumberOfRows())]
    return found


def _decide(person, seen):
    from MSSoftSegLib.network.catalog import find_default_model

    person.wait_verdict()
    seen.judgment, seen.verdict_shown = person.judgment, person.ui("verdictLabel").text
    seen.default_button = [name for name in ("promote", "candidate") if person.ui(f"{name}Button").default]
    seen.default_before = find_default_model()
    if person.judgment.verdict == "better":
        person.click("promoteButton")
    else:
        seen.asked = person.click_and_answer("promoteButton", "OK")
    person.wait(lambda: person.judgment.phase == "decided" or person.judgment.error, "the installation")
    assert person.judgment.error is None, person.judgment.error
    seen.default_after, seen.decided = find_default_model(), person.judgment
    seen.chosen = person.workbench.segment.choices()["model"]


def _use(person, seen, exam):
    person.training.onCurves(False)
    person.load_exam(exam)
    person.segment()
    seen.count = person.view.count
    seen.result = json.loads((Path(person.review.exam.resultFolder) / "result.json").read_text())


def test_three_cases_were_found_corrected_and_approved_as_they_were_drawn(loop):
    from MSSoftSegLib.exam.geometry import voxels
    from MSSoftSegLib.exam.image_file import read_image
    from MSSoftSegLib.library.reading import read_labeled_cases

    cases = read_labeled_cases(loop.library, statuses=("approved",))
    assert [case.case for case in cases] == ["sub-P1", "sub-P2", "sub-P3"]
    for case, found, corrected in zip(cases, loop.found, loop.corrected, strict=True):
        assert found.any(), "the model that ships finds lesions"
        assert corrected[MISSED].all()
        assert voxels(read_image(case.raters["anna"])).sum() == corrected.sum()


def test_the_preflight_said_what_would_happen(loop):
    assert loop.library_chosen == str(loop.library)
    assert "3 patients" in loop.preflight.text
    assert loop.preflight.can_train


def test_the_training_outlived_panel_and_worker_and_was_attached_to_again(loop):
    assert loop.started.phase in ("running", "finished")
    assert loop.plots_shown
    assert loop.attached.chosen == loop.started.chosen
    assert loop.trained.phase == "finished", loop.trained.error


def test_loss_and_agreement_of_the_real_training_were_plotted_and_a_case_shown(loop):
    assert loop.plotted["loss"][-1] == STEPS
    assert loop.plotted["val_dice"] == [STEPS]
    assert loop.picture_shown


def test_old_and_new_were_compared_on_who_was_held_out_and_the_verdict_stood_first(loop):
    assert len(loop.judgment.cases) == 1
    assert loop.judgment.rows[0].name == "DSC"
    assert loop.verdict_shown == loop.judgment.verdict_text
    assert loop.default_button == (["promote"] if loop.judgment.verdict == "better" else ["candidate"])


def test_the_new_model_was_installed_by_a_decision_and_not_before(loop):
    assert loop.default_before == "starter"
    if loop.judgment.verdict != "better":
        assert loop.judgment.verdict_text in loop.asked[0], "a second question, with the verdict"
    assert loop.default_after == NEW_MODEL
    assert f"{NEW_MODEL} is the default now" in loop.decided.verdict_text
    assert loop.chosen == NEW_MODEL


def test_the_fourth_exam_was_segmented_by_the_new_model(loop):
    assert loop.result["model"]["name"] == NEW_MODEL
    assert loop.count > 0
