"""A comparison is of the masks as they were: it says so once they are corrected, and comparing again loses no decision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from Testing.MSSoftSeg.prior.test_corrections_in_host import compare, lesions_of, reviewed
from Testing.MSSoftSeg.prior.test_in_host import click_row, decisions, visit_of, wait_for_views
from Testing.MSSoftSeg.stand_ins.made_comparisons import NEXT_PAIR, PAIR, write_comparison, write_three_visits
from Testing.MSSoftSeg.stand_ins.made_results import matrix_of, visit, write_result

SAID = "The masks have changed since this comparison"
# What looks at the masks rests first.
LONGER_S = 0.8


@pytest.fixture
def reader(host):
    """A radiologist with an empty scene."""
    with visit(host) as someone:
        someone.workbench.prior.presenter._worker = someone.worker
        yield someone


def said(reader) -> str:
    """What the panel says of the masks; a sentence that is not seen is not said."""
    label, button = reader.ui("changedMasks"), reader.ui("compareAgainButton")
    assert label.visible == button.visible == bool(label.text)
    return label.text


def wait_until_said(reader, visit: str) -> None:
    reader.wait(lambda: f"{SAID} ({visit})" in said(reader), "that the masks have changed")


def wait_until_taken_back(reader) -> None:
    reader.wait(lambda: not said(reader), "that the masks are as they were compared")


def of_masks(reader, masks, drawings) -> tuple[dict, dict]:
    """What change.json says of the masks of a job; drawings: of the model, by visit."""
    from MSSoftSegLib.exam.label_digest import compute_label_digest

    facts = []
    for mask, drawing in zip(masks, drawings, strict=True):
        isReader = mask["mask"] not in ("auto", "model")
        labels = lesions_of(mask["mask"]) if isReader else drawing
        own = {"mask": "reader" if isReader else "model", "model": "starter", "model_version": "0.1.0"}
        facts.append({**own, "label_digest": compute_label_digest(labels, matrix_of())})
    return tuple(facts)


def finish(reader, drawings) -> Path:
    """The comparison that is under way comes to its end."""
    spec = reader.worker.jobs[-1]["spec"]
    facts = of_masks(reader, spec["masks"], drawings)
    folder = write_comparison(Path(spec["out"]), masks=facts, exams=("a", "b"))
    reader.worker.tell("result", path="change", summary={})
    wait_for_views(reader)
    return folder


def compared(reader, folder) -> np.ndarray:
    """Today's result compared with a folder; what the model drew."""
    from MSSoftSegGUI.scene.exam_drawing import readDrawing

    exam = reviewed(reader, folder)
    (folder / "2019").mkdir()
    reader.workbench.prior.presenter.pick_folder(folder / "2019")
    compare(reader)
    finish(reader, [readDrawing(exam)] * 2)
    return readDrawing(exam)


def test_a_lesion_that_is_rejected_after_the_comparison_makes_it_old_and_undo_makes_it_true_again(reader, tmp_path):
    compared(reader, tmp_path)
    review = reader.workbench.review.presenter
    review.select(1)
    review.accept()
    reader.rest(LONGER_S)
    assert said(reader) == ""
    review.select(2)
    review.reject()
    wait_until_said(reader, "today")
    review.undo()
    wait_until_taken_back(reader)


def test_a_stroke_and_another_threshold_make_it_old(reader, tmp_path):
    from MSSoftSegGUI.scene.segmentation_node import writeLabels

    drawn = compared(reader, tmp_path)
    exam = reader.workbench.review.exam
    labels = drawn.copy()
    labels[9, 4:7, 20:23] = 1
    writeLabels(exam.segmentation, labels, exam.probability)
    wait_until_said(reader, "today")
    writeLabels(exam.segmentation, drawn, exam.probability)
    wait_until_taken_back(reader)
    reader.workbench.review.presenter.set_threshold(0.7)
    reader.rest(LONGER_S)
    reader.workbench.review.presenter.release_threshold(0.7)
    wait_until_said(reader, "today")


def test_compared_again_what_was_said_goes_on_and_nothing_is_old(reader, tmp_path):
    drawn = compared(reader, tmp_path)
    first = reader.workbench.prior.reading.comparison.folder
    click_row(reader, 0)
    reader.click("acceptChangeButton")
    reader.click("rejectChangeButton")
    review = reader.workbench.review.presenter
    review.select(2)
    review.reject()
    wait_until_said(reader, "today")
    assert decisions(reader) == ["accepted", "rejected", ""]
    reader.workbench.prior.presenter.pick_folder(tmp_path / "2018")
    reader.click("compareAgainButton")
    reader.wait(lambda: len(reader.worker.jobs) == 2, "the comparison")
    assert reader.worker.jobs[-1]["spec"]["visits"][0] == str(tmp_path / "2019")
    assert not reader.ui("compareAgainButton").enabled
    second = finish(reader, [drawn, drawn])
    assert reader.workbench.prior.reading.comparison.folder == second != first
    assert decisions(reader) == ["accepted", "rejected", ""]
    assert "Your 2 decisions were taken over." in reader.ui("priorMessage").text
    reader.rest(LONGER_S)
    assert said(reader) == ""


def test_a_prior_in_the_scene_that_is_corrected_meanwhile_makes_it_old(reader, tmp_path):
    from MSSoftSegGUI.scene.exam_drawing import readDrawing

    before = reviewed(reader, tmp_path / "prior", name="Before")
    drawings = [readDrawing(before)] * 2
    today = reviewed(reader, tmp_path / "today", name="Today", origin=(-20.0, -15.0, -10.0))
    compare(reader)
    finish(reader, drawings)
    reader.choose(before.flair, "Before")
    reader.wait(lambda: reader.workbench.review.exam is not None, "the review")
    review = reader.workbench.review.presenter
    review.select(1)
    review.reject()
    assert said(reader) == ""
    reader.choose(today.flair, "Today")
    wait_until_said(reader, "earlier visit")


def write_instances(folder: Path, labels: np.ndarray) -> None:
    """The lesions of a result, each a number of its own."""
    from MSSoftSegGUI.scene.volume_files import write_volume
    from scipy import ndimage

    folder.mkdir(exist_ok=True)
    instances, _count = ndimage.label(labels == 1)
    write_volume(instances.astype(np.uint16), matrix_of(), folder / "lesion_instances.nii.gz")


def test_a_prior_that_is_a_folder_and_was_segmented_anew_makes_it_old(reader, tmp_path):
    drawn = compared(reader, tmp_path)
    section = reader.workbench.prior

    def come_back() -> None:
        section.leave()
        section.enter()
        reader.rest(LONGER_S)

    come_back()
    assert said(reader) == "", "images alone say nothing"
    write_instances(tmp_path / "2019", drawn)
    come_back()
    assert said(reader) == "", "the same lesions, whatever their numbers"
    smaller = np.where(np.arange(drawn.shape[2]) < drawn.shape[2] // 2, drawn, 0)
    write_instances(tmp_path / "2019", smaller)
    come_back()
    wait_until_said(reader, "earlier visit")
    (tmp_path / "2019" / "lesion_instances.nii.gz").write_bytes(b"half a file")
    come_back()
    assert said(reader) == "", "what cannot be read is not said to have changed"


def test_what_is_folded_away_computes_nothing_and_says_it_when_it_is_opened(reader, tmp_path):
    compared(reader, tmp_path)
    reader.ui("priorSection").collapsed = True
    review = reader.workbench.review.presenter
    review.select(2)
    review.reject()
    reader.rest(LONGER_S)
    assert said(reader) == ""
    reader.open_section("prior")
    wait_until_said(reader, "today")


def test_an_old_comparison_that_does_not_tell_its_masks_is_not_said_to_be_old(reader, tmp_path):
    reviewed(reader, tmp_path)
    reader.open_section("prior")
    reader.workbench.prior.presenter.pick_folder(write_comparison(tmp_path / "done"))
    wait_for_views(reader)
    review = reader.workbench.review.presenter
    review.select(2)
    review.reject()
    reader.rest(LONGER_S)
    assert said(reader) == ""


@pytest.mark.parametrize(
    ("status", "masks", "rater", "isOther"),
    [
        ("approved", {"anna": "s"}, "", False),
        ("approved", {"anna": "t"}, "", True),
        ("approved", {"anna": "s", "ben": "t"}, "", True),
        ("approved", {"anna": "s", "ben": "t"}, "anna", False),
        ("approved", {"ben": "t"}, "anna", True),
        ("segmented", {"anna": "s"}, "", True),
    ],
)
def test_a_librarys_case_is_other_once_another_mask_would_be_taken(host, status, masks, rater, isOther):
    from MSSoftSegGUI.prior.comparison import ComparedVisit
    from MSSoftSegGUI.prior.freshness import is_kept_mask_other

    raters = {name: {"sha256": sha, "time": f"2026-0{n}"} for n, (name, sha) in enumerate(masks.items(), 1)}
    summary = {"status": status, "raters": raters}
    assert is_kept_mask_other(summary, ComparedVisit(reader="anna", sha256="s"), rater) is isOther
    assert is_kept_mask_other(summary, ComparedVisit(reader="anna"), rater) is None
    assert is_kept_mask_other(summary, ComparedVisit(), "") is (status == "approved")


def test_a_prior_that_was_saved_again_in_the_library_makes_it_old(reader, tmp_path):
    exam = reviewed(reader, tmp_path)
    folder = write_comparison(
        tmp_path / "done", masks=({"mask": "reader", "rater": "ben", "mask_sha256": "s"}, {"mask": "model"})
    )
    exam.comparison, exam.prior = str(folder), "library:sub-P1_ses-1"
    prior = reader.workbench.prior
    prior.follow(exam)
    reader.open_section("prior")
    for sha in ("s", "t"):
        masks = {"ben": {"sha256": sha, "time": "2026"}}
        prior._takeCase("library:sub-P1_ses-1", {"status": "approved", "raters": masks})
        reader.rest(LONGER_S)
        assert (SAID in said(reader)) == (sha == "t")


def test_the_two_visits_that_were_chosen_are_there_in_the_reopened_scene(reader, tmp_path):
    import slicer

    exam = visit_of(reader, write_result(tmp_path / "today" / "result"))
    reader.open_section("prior")
    reader.workbench.prior.presenter.pick_folder(write_three_visits(tmp_path / "series"))
    wait_for_views(reader)
    assert reader.ui("changePairCombo").currentData == NEXT_PAIR
    reader.ui("changePairCombo").currentIndex = 0
    reader.ui("changePairCombo").activated(0)
    wait_for_views(reader)
    other = visit_of(reader, tmp_path / "none", name="Berta", origin=(0.0, 0.0, 0.0))
    reader.choose(exam.flair, "Anna")
    assert reader.ui("changePairCombo").currentData == PAIR
    assert other.comparisonPair == ""
    assert slicer.util.saveScene(str(tmp_path / "visit.mrb"))
    reader.host.close_scene()
    reader.rest(0.1)
    slicer.util.loadScene(str(tmp_path / "visit.mrb"))
    reader.wait(lambda: reader.ui("changeTable").rowCount > 0, "the comparison of the reopened scene")
    assert reader.ui("changePairCombo").currentData == PAIR


def test_another_comparison_begins_with_its_latest_visits(reader, tmp_path):
    exam = visit_of(reader, write_result(tmp_path / "today" / "result"))
    exam.comparison, exam.comparisonPair = str(write_three_visits(tmp_path / "series")), PAIR
    reader.open_section("prior")
    reader.workbench.prior.presenter.pick_folder(write_three_visits(tmp_path / "again"))
    wait_for_views(reader)
    assert (exam.comparisonPair, reader.ui("changePairCombo").currentData) == ("", NEXT_PAIR)
