"""``evaluate --compare``: two results of one truth, case by case."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.report.metrics_document import read_metrics
from Testing.MSSoftSegLib.cli.evaluate_files import evaluate, last_error, work_in, write, write_table
from Testing.MSSoftSegLib.evaluation.made_up_cases import made_up_case


@pytest.fixture
def two_methods(tmp_path, monkeypatch):
    """Folders A and B: the same four cases with the given prediction, and with one that is the truth but for one case."""
    place = work_in(tmp_path, monkeypatch)
    table = write_table(place, (1, 2, 3, 4))
    assert evaluate(place, "--table", table, out="A") == 0
    for seed in (1, 2, 3):
        case = made_up_case(seed)
        write(place / "images" / f"prediction{seed}.nii.gz", case.truth)
    assert evaluate(place, "--table", table, out="B") == 0
    return place


def test_two_methods_are_compared_case_by_case(two_methods, capsys):
    capsys.readouterr()
    assert run_command(["evaluate", "--compare", "A", "B"]) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[0] == "comparison"
    assert "Wilcoxon" in output
    facts = json.loads((two_methods / "comparison" / "comparison.json").read_text())
    first, second = (read_metrics(two_methods / name) for name in "AB")
    expected = [b.metrics["dsc"] - a.metrics["dsc"] for a, b in zip(first.cases, second.cases, strict=True)]
    found = facts["measures"]["dsc"]
    assert expected[3] == 0 < min(expected[:3])
    assert found["n"] == 4
    assert found["difference"]["mean"] == pytest.approx(np.mean(expected))
    assert 0 < found["wilcoxon_p"] <= 1
    with (two_methods / "comparison" / "comparison.csv").open() as file:
        lines = {row["measure"]: row for row in csv.DictReader(file)}
    assert float(lines["dsc"]["difference"]) == found["difference"]["mean"]
    assert run_command(["evaluate", "--compare", "A", "B"]) == 2
    assert run_command(["evaluate", "--compare", "A", "B", "--overwrite"]) == 0


def compare_refused(capsys, *arguments):
    assert run_command(["evaluate", "--compare", *arguments]) == 2
    return last_error(capsys)


def test_what_cannot_be_compared_is_refused(two_methods, capsys):
    place = two_methods
    table = write_table(place, (1, 2, 3))
    assert evaluate(place, "--table", table, out="fewer") == 0
    assert "visit4 is in only one" in compare_refused(capsys, "A", "fewer")
    table = write_table(place, (1, 2, 3, 4))
    assert evaluate(place, "--table", table, "--connectivity", 6, out="faces") == 0
    assert "connectivity" in compare_refused(capsys, "A", "faces")
    write(place / "images" / "truth22.nii.gz", made_up_case(9).truth)
    assert evaluate(place, "--table", table, out="other_truth") == 0
    assert "visit2 was measured against different truths" in compare_refused(capsys, "A", "other_truth")
    assert "metrics.json" in compare_refused(capsys, "A", "images")
    (place / "B" / "metrics.json").write_text("{}")
    assert "no result of evaluate" in compare_refused(capsys, "A", "B")
    assert "--truth" in compare_refused(capsys, "A", "B", "--truth", "x.nii.gz")
    assert not (place / "comparison").exists()


def test_a_truth_that_was_only_stored_anew_is_the_same_truth(two_methods):
    for number in (1, 2):
        source = two_methods / "images" / f"truth{number}.nii.gz"
        image = sitk.ReadImage(str(source))
        sitk.WriteImage(sitk.Cast(image, sitk.sitkInt16), str(source))
    table = two_methods / "pairs.csv"
    assert evaluate(two_methods, "--table", table, out="anew") == 0
    assert run_command(["evaluate", "--compare", "A", "anew"]) == 0
