"""One exam is computed once, again where anything it came from has changed, and tried twice where it fails."""

from __future__ import annotations

import copy
import json

import pytest

from MSSoftSegLib.cohort import fingerprint as fingerprints
from MSSoftSegLib.cohort.exam_folders import find_exams
from MSSoftSegLib.cohort.group.exam_rows import read_exam_rows
from MSSoftSegLib.cohort.one_exam import CohortRun, process_exam
from MSSoftSegLib.cohort.record import read_failures
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.errors import BadImage, JobCancelled
from MSSoftSegLib.network.catalog import SHIPPED_MODEL
from MSSoftSegLib.segmenting.choices import SegmentChoices
from Testing.MSSoftSegLib.cohort.small_cohort import fails_once, stand_in, write_other_model, write_tiny_exams


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_LOG", str(tmp_path / "log"))
    choices = SegmentChoices.model_validate({"preprocessing": {"brain": "none"}})
    return CohortRun(tmp_path / "out", CohortSettings(model=SHIPPED_MODEL, choices=choices), stand_in)


@pytest.fixture
def exam(tmp_path):
    return find_exams(write_tiny_exams(tmp_path / "exams", 1))[0]


def changed(run, **changes):
    return CohortRun(run.out, run.settings.model_copy(update=changes), run.compute)


def test_a_complete_exam_is_kept_and_not_touched(exam, run):
    assert process_exam(exam, run).state == "done"
    record = run.out / "sub-0000" / "cohort_exam.json"
    before = record.stat().st_mtime_ns
    assert process_exam(exam, run).state == "kept"
    assert record.stat().st_mtime_ns == before


def test_what_an_exam_came_from_decides_whether_it_is_computed_again(exam, run, tmp_path, monkeypatch):
    process_exam(exam, run)
    assert process_exam(exam, changed(run, device="cuda", keep_working=True, threads=3)).state == "kept"
    threshold = changed(run, choices=run.settings.choices.model_copy(update={"threshold": 0.4}))
    assert process_exam(exam, threshold).state == "done"
    other = write_other_model(tmp_path / "other")
    assert process_exam(exam, changed(threshold, model=str(other))).state == "done"
    image = tmp_path / "exams" / "0.nii"
    image.write_bytes(image.read_bytes()[:-1] + b"\x07")
    assert process_exam(exam, changed(threshold, model=str(other))).state == "done"
    (tmp_path / "exams" / "0.json").write_text("{}")
    assert process_exam(exam, changed(threshold, model=str(other))).state == "done"
    assert process_exam(exam, changed(threshold, model=str(other))).state == "kept"
    monkeypatch.setattr(fingerprints, "VERSION", "another")
    assert process_exam(exam, changed(threshold, model=str(other))).state == "done"


def test_a_record_that_is_damaged_is_no_result(exam, run):
    process_exam(exam, run)
    (run.out / "sub-0000" / "cohort_exam.json").write_text("{")
    assert process_exam(exam, run).state == "done"


def test_a_failure_is_tried_once_more(exam, run):
    assert process_exam(exam, CohortRun(run.out, run.settings, fails_once)).state == "done"
    assert read_failures(run.out) == ()


def test_a_failure_is_noted_with_what_to_do_leaves_nothing_and_is_forgotten_once_it_works(tmp_path, run):
    (tmp_path / "bad.nii").write_bytes((write_tiny_exams(tmp_path / "exams", 1).parent / "0.nii").read_bytes())
    (tmp_path / "c.csv").write_text("participant,flair\nbad,bad.nii\n")
    (exam,) = find_exams(tmp_path / "c.csv")
    outcome = process_exam(exam, CohortRun(run.out, run.settings, fails_once))
    assert (outcome.state, outcome.problem) == ("failed", "image.nii is broken — mend it")
    (failure,) = read_failures(run.out)
    assert (failure.participant, failure.code, failure.attempts) == ("bad", "bad-image", 2)
    assert [path.name for path in run.out.iterdir()] == [".mssoftseg"]
    assert process_exam(exam, run).state == "done"
    assert read_failures(run.out) == ()


def test_what_the_data_set_itself_refuses_is_not_tried_again(tmp_path, run):
    (tmp_path / "c.csv").write_text("participant,flair\n1,gone.nii\n")
    (exam,) = find_exams(tmp_path / "c.csv")
    assert process_exam(exam, run).state == "failed"
    assert [failure.attempts for failure in read_failures(run.out)] == [1]


def test_an_exam_that_fails_now_is_failed_though_an_older_result_lies_there(exam, run, tmp_path):
    process_exam(exam, run)
    (tmp_path / "exams" / "0.nii").write_bytes(b"no image")
    assert process_exam(exam, run).state == "done", "the stand-in does not read it"
    image_gone = tmp_path / "exams" / "0.nii"
    image_gone.unlink()
    assert process_exam(exam, run).state == "failed"
    assert [row.status for row in read_exam_rows(run.out)] == ["failed"]
    assert (run.out / "sub-0000" / "cohort_exam.json").is_file()


def test_somebody_elses_folder_is_not_replaced(exam, run):
    mine = run.out / "sub-0000" / "thesis.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("irreplaceable")
    outcome = process_exam(exam, run)
    assert outcome.state == "failed"
    assert "is not overwritten" in outcome.problem
    assert mine.read_text() == "irreplaceable"


@pytest.mark.parametrize("problem", [BadImage("x.nii is broken", remedy="mend it"), JobCancelled()])
def test_an_error_arrives_whole_in_another_process(problem):
    there = copy.copy(problem)
    assert there is not problem
    assert (type(there), str(there), there.exit_code) == (type(problem), str(problem), problem.exit_code)


def test_no_path_stands_in_what_is_written(exam, run, tmp_path):
    process_exam(exam, run)
    (tmp_path / "exams" / "0.nii").unlink()
    process_exam(exam, run)
    for path in run.out.rglob("*.json"):
        assert str(tmp_path) not in path.read_text()
        json.loads(path.read_text())
