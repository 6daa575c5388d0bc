"""Visits of a cohort's participants compared: which with which, once, again where something is new, and told in one table."""

from __future__ import annotations

import csv
import json

import pytest

from MSSoftSegLib.cohort.group.change_rows import CHANGE_COLUMNS, format_change_lines
from MSSoftSegLib.cohort.places import RESULT_FOLDER, name_exam_folder
from MSSoftSegLib.cohort.record import ExamRecord
from MSSoftSegLib.cohort.visits import compare_neighbors, pair_visits
from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.library.layout import CaseId
from Testing.MSSoftSegLib.change.small_results import write_result_of
from Testing.MSSoftSegLib.change.small_visits import Spot, visit

CASES = [CaseId("a", "10"), CaseId("a", "2"), CaseId("a", "1"), CaseId("b", "1"), CaseId("c")]


def write_record(out, case, fingerprint):
    folder = name_exam_folder(out, case)
    (folder / RESULT_FOLDER / "working").mkdir(parents=True, exist_ok=True)
    record = ExamRecord(participant=case.patient, session=case.session, fingerprint=fingerprint, seconds=1.0)
    (folder / "cohort_exam.json").write_text(record.model_dump_json())


@pytest.fixture
def out(tmp_path):
    for case in CASES:
        write_record(tmp_path, case, f"first {case}")
    return tmp_path


class Compares:
    """Stands in for the comparison and remembers what it was asked; fails where a visit is named so."""

    def __init__(self, out, bad=""):
        self.out, self.bad, self.asked = out, bad, []

    def __call__(self, before, after, target):
        self.asked.append(tuple(path.relative_to(self.out).as_posix() for path in (before, after)))
        if self.bad and self.bad in str(after):
            raise BadExam("these are two people", remedy="look at them")
        target.mkdir(exist_ok=True)
        (target / "change.json").write_text("{}")


def states(out, compare, chosen=CASES):
    return [found.state for found in compare_neighbors(out, CASES, set(chosen), compare)]


def test_neighbors_are_by_number_and_never_of_two_people():
    assert [str(pair) for pair in pair_visits(CASES)] == ["sub-a_ses-1 → ses-2", "sub-a_ses-2 → ses-10"]


def test_a_pair_is_compared_once_and_again_where_a_result_is_new(out):
    compare = Compares(out)
    assert states(out, compare) == ["done", "done"]
    assert compare.asked[0] == ("sub-a/ses-1/result", "sub-a/ses-2/result")
    assert states(out, compare) == ["kept", "kept"]
    write_record(out, CaseId("a", "10"), "second")
    assert states(out, compare) == ["kept", "done"]
    assert len(compare.asked) == 3


def test_whoever_chooses_sessions_passes_none_over(out):
    compare = Compares(out)
    assert states(out, compare, chosen=[CaseId("a", "1"), CaseId("a", "10")]) == ["done"]
    assert compare.asked == [("sub-a/ses-2/result", "sub-a/ses-10/result")]


def test_one_that_cannot_be_compared_stops_no_other_and_stands_in_the_table(out):
    compare = Compares(out, bad="ses-2")
    assert states(out, compare) == ["failed", "done"]
    rows = list(csv.DictReader(format_change_lines(out, CASES), delimiter="\t"))
    assert rows[0]["status"] == "failed"
    assert rows[0]["problem"] == "these are two people — look at them"
    # The stand-in's document is none.
    assert rows[1]["status"] == "damaged"
    compare.bad = ""
    assert states(out, compare) == ["done", "kept"]


def test_without_working_images_the_pair_says_what_to_do(out):
    (name_exam_folder(out, CaseId("a", "2")) / RESULT_FOLDER / "working").rmdir()
    found = list(compare_neighbors(out, CASES, set(CASES), Compares(out)))
    assert [each.state for each in found] == ["absent", "absent"]
    assert "run again with it" in found[0].problem


def test_results_of_segment_are_really_compared(tmp_path):
    visits = {"1": [Spot((-12, 0, 0), 5), Spot((12, 0, 0), 4)], "2": [Spot((-12, 0, 0), 5), Spot((0, -14, -4), 4)]}
    for session, spots in visits.items():
        case = CaseId("a", session)
        write_result_of(visit(spots, seed=int(session)), name_exam_folder(tmp_path, case) / RESULT_FOLDER)
        write_record(tmp_path, case, session)
    cases = [CaseId("a", session) for session in visits]
    assert [found.state for found in compare_neighbors(tmp_path, cases, set(cases))] == ["done"]
    (row,) = csv.DictReader(format_change_lines(tmp_path, cases), delimiter="\t")
    assert list(row) == list(CHANGE_COLUMNS)
    facts = json.loads((name_exam_folder(tmp_path, cases[1]) / "change" / "change.json").read_text())
    assert {name: int(row[name]) for name in ("new", "resolved", "stable", "split")} == {
        "new": 1,
        "resolved": 1,
        "stable": 1,
        "split": 0,
    }
    assert float(row["volume_after_ml"]) == facts["visits"][1]["volume_ml"]
    assert (row["status"], row["problem"]) == ("ok", "n/a")
