"""``evaluate`` as a shell sees it: files in, one complete folder out, or one line that says what to mend."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.evaluation.case_metrics import measure_case
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.jobs.evaluate import evaluate as jobs_evaluate
from MSSoftSegLib.report.evaluation_figures import draw_figures
from MSSoftSegLib.report.metrics_document import read_metrics
from Testing.MSSoftSegLib.cli.evaluate_files import evaluate, last_error, work_in, write, write_case, write_table
from Testing.MSSoftSegLib.evaluation.made_up_cases import SPACING_MM, made_up_case


@pytest.fixture
def place(tmp_path, monkeypatch):
    return work_in(tmp_path, monkeypatch)


@pytest.fixture
def files(place):
    return write_case(place / "images", 1)


def all_of(files):
    options = []
    for role in ("truth", "prediction", "probability", "entropy", "brain"):
        options += [f"--{role}", files[role]]
    return [*options, "--truth", files["truth2"]]


def document(place, out="out"):
    return json.loads((place / out / "metrics.json").read_text(encoding="utf-8"))


def rows(place, out="out"):
    with (place / out / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def leftovers(place):
    return sorted(path.name for path in place.iterdir() if path.name.startswith((".out", "out")))


def test_one_case_gives_the_folder_of_the_contract(place, files, capsys, monkeypatch):
    monkeypatch.setattr(jobs_evaluate, "draw_figures", draw_figures)
    assert evaluate(place, *all_of(files), "--case", "visit 7") == 0
    output = capsys.readouterr().out
    assert output.splitlines()[0] == str(place / "out")
    assert "dsc" in output
    assert {path.name for path in (place / "out").iterdir()} == {"metrics.json", "metrics.csv", "figures"}
    assert {path.name for path in (place / "out" / "figures").iterdir()} == {
        f"{name}.png"
        for name in ("bland_altman", "reliability", "precision_recall", "dice_by_lesion_load", "retention")
    }
    facts = document(place)
    assert (facts["summary"]["vc"], facts["summary"]["isbi_equivalent"]) == (None, None)
    assert facts["summary"]["means"]["dsc"]["n"] == 1
    assert facts["software"]["version"]
    assert facts["empty_case_policy"]["dsc"]["both_empty"] is None
    assert str(place) not in json.dumps(facts)


def test_the_numbers_are_those_of_the_arrays_at_the_files_spacing(place, files):
    assert evaluate(place, *all_of(files)) == 0
    case = made_up_case(1)
    (facts,) = document(place)["cases"]
    for rater, truth in zip(facts["raters"], (case.truth, np.roll(case.truth, 1, axis=2)), strict=True):
        expected = measure_case(truth, *case.arrays[1:], SPACING_MM).values
        for name, value in rater["metrics"].items():
            assert value == (None if expected[name] is None else pytest.approx(expected[name], rel=1e-5)), name
    both = [rater["metrics"]["hd95_mm"] for rater in facts["raters"]]
    assert both[0] != both[1]
    assert facts["metrics"]["hd95_mm"] == pytest.approx(sum(both) / 2)


def test_the_table_of_results_has_one_row_a_case_in_the_order_of_the_contract(place):
    assert evaluate(place, "--table", write_table(place)) == 0
    table = rows(place)
    assert [row["case"] for row in table] == ["visit1", "visit2", "visit3"]
    assert list(table[0])[:7] == ["case", "dsc", "ppv", "tpr", "soft_dice", "ndsc", "hd95_mm"]
    facts = document(place)
    for row, case in zip(table, facts["cases"], strict=True):
        assert float(row["dsc"]) == case["metrics"]["dsc"]
        assert (row["patient"], row["raters"]) == (case["patient"], "2")
    means = facts["summary"]["means"]
    assert means["dsc"]["mean"] == pytest.approx(np.mean([float(row["dsc"]) for row in table]))
    assert means["dsc"]["low"] <= means["dsc"]["mean"] <= means["dsc"]["high"]
    assert (facts["summary"]["cases"], facts["summary"]["patients"]) == (3, 2)
    assert -1 <= facts["summary"]["vc"] <= 1
    assert facts["summary"]["isbi_equivalent"] < 100
    assert [rater["cases"] for rater in facts["summary"]["raters"]] == [3, 3]


def test_a_spreadsheets_semicolons_and_byte_order_mark_are_read(place):
    path = write_table(place, (1, 2), columns="case,truth,prediction")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b",", b";").replace(b"\n", b"\r\n"))
    assert evaluate(place, "--table", path) == 0
    assert [row["case"] for row in rows(place)] == ["visit1", "visit2"]


def test_a_probability_alone_is_cut_at_the_threshold(place, files):
    case = made_up_case(1)
    common = ["--truth", files["truth"], "--probability", files["probability"]]
    assert evaluate(place, *common) == 0
    assert float(rows(place)[0]["dsc"]) == pytest.approx(dice(case.truth, case.probability >= 0.5))
    assert evaluate(place, *common, "--threshold", "0.2", "--overwrite") == 0
    assert float(rows(place)[0]["dsc"]) == pytest.approx(dice(case.truth, case.probability >= 0.2))
    assert document(place)["settings"]["threshold"] == 0.2


def test_a_soft_truth_is_cut_at_one_half_for_masks_only(place, files):
    case = made_up_case(1)
    soft = write(place / "soft.nii.gz", (case.truth * 0.75 + 0.25).astype(np.float32))
    assert evaluate(place, "--truth", soft, "--probability", files["probability"]) == 0
    row = rows(place)[0]
    assert float(row["dsc"]) == pytest.approx(dice(case.truth, case.prediction))
    p = case.probability.astype(float)
    s = case.truth * 0.75 + 0.25
    assert float(row["soft_dice"]) == pytest.approx(2 * (p * s).sum() / (p + s).sum(), rel=1e-5)


def test_possible_lesion_counts_as_asked(place, files):
    case = made_up_case(1)
    doubtful = case.truth.copy()
    doubtful[:5] *= 2
    assert (doubtful == 2).any()
    path = write(place / "labels.nii.gz", doubtful)
    assert evaluate(place, "--truth", path, "--prediction", files["prediction"]) == 0
    assert float(rows(place)[0]["dsc"]) == pytest.approx(dice(case.truth, case.prediction))
    arguments = ["--truth", path, "--prediction", files["prediction"], "--possible", "background", "--overwrite"]
    assert evaluate(place, *arguments) == 0
    assert float(rows(place)[0]["dsc"]) == pytest.approx(dice(doubtful == 1, case.prediction))


def test_connectivity_and_smallest_lesion_are_taken_and_told(place, files):
    common = ["--truth", files["truth"], "--prediction", files["prediction"]]
    counts = {}
    for name, more in {"26": (), "6": ("--connectivity", 6), "large": ("--min-lesion-voxels", 5)}.items():
        assert evaluate(place, *common, *more, out=name) == 0
        counts[name] = float(rows(place, name)[0]["predicted_lesions"])
    assert counts["6"] > counts["26"] > counts["large"]
    assert document(place, "6")["settings"]["connectivity"] == 6
    assert document(place, "large")["settings"]["min_lesion_voxels"] == 5


def test_without_a_brain_mask_the_user_is_told_what_is_not_measured(place, files):
    assert evaluate(place, "--truth", files["truth"], "--prediction", files["prediction"]) == 0
    facts = document(place)
    assert "no brain mask for case 1:" in facts["warnings"][0]
    assert rows(place)[0]["ndsc"] == ""
    assert facts["cases"][0]["metrics"]["ndsc"] is None


def test_lesions_outside_the_brain_mask_are_told(place, files):
    case = made_up_case(1)
    lesion = tuple(np.argwhere(case.truth)[0])
    brain = case.brain.astype(np.uint8)
    brain[lesion] = 0
    write(files["brain"], brain)
    assert evaluate(place, *all_of(files)) == 0
    assert any("1 lesion voxels of rater 1 lie outside" in warning for warning in document(place)["warnings"])


def test_two_empty_masks_are_undefined_and_not_perfect(place):
    empty = write(place / "empty.nii.gz", np.zeros((5, 6, 7), np.uint8))
    assert evaluate(place, "--truth", empty, "--prediction", empty, "--probability", empty) == 0
    row = rows(place)[0]
    assert (row["dsc"], row["hd95_mm"], float(row["volume_difference_ml"])) == ("", "", 0.0)
    assert document(place)["summary"]["means"]["dsc"] == {"mean": None, "n": 0, "low": None, "high": None}


@pytest.mark.parametrize("role", ["prediction", "probability", "entropy", "brain", "truth2"])
def test_another_grid_is_refused_and_never_resampled(place, files, capsys, role):
    image = sitk.ReadImage(str(files[role]))
    image.SetOrigin((3.0, -7.0, 12.5))
    sitk.WriteImage(image, str(files[role]))
    assert evaluate(place, *all_of(files), "--case", "visit7") == 2
    error = last_error(capsys)
    assert files[role].name in error
    assert files["truth"].name in error
    assert "visit7" in error
    assert str(place) not in error
    assert leftovers(place) == []


def refused(place, capsys, *arguments):
    assert evaluate(place, *arguments) == 2
    error = last_error(capsys)
    assert error.startswith("error: ")
    assert " — " in error
    assert str(place) not in error
    assert leftovers(place) == []
    return error


def test_files_that_do_not_mean_what_they_should_are_refused_by_name(place, files, capsys):
    loud = write(place / "loud.nii.gz", made_up_case(1).probability * 300)
    nothing = write(place / "nothing.nii.gz", np.zeros_like(made_up_case(1).truth))
    truth, prediction = ["--truth", files["truth"]], ["--prediction", files["prediction"]]
    assert "loud.nii.gz" in refused(place, capsys, *truth, "--probability", loud)
    assert "loud.nii.gz" in refused(place, capsys, "--truth", loud, *prediction)
    assert "nothing.nii.gz is empty" in refused(place, capsys, *truth, *prediction, "--brain", nothing)
    assert "nowhere.nii.gz" in refused(place, capsys, *truth, "--prediction", place / "nowhere.nii.gz")
    text = place / "text.nii.gz"
    text.write_text("no image")
    assert "text.nii.gz" in refused(place, capsys, "--truth", text, *prediction)


def test_a_wrong_request_says_what_is_missing(place, files, capsys):
    truth, prediction = ["--truth", files["truth"]], ["--prediction", files["prediction"]]
    assert "truth is required" in refused(place, capsys, *prediction)
    assert "--prediction" in refused(place, capsys, *truth)
    assert "threshold" in refused(place, capsys, *truth, *prediction, "--threshold", 0.4)
    assert "threshold" in refused(place, capsys, *truth, "--probability", files["probability"], "--threshold", 1.5)
    assert "connectivity" in refused(place, capsys, *truth, *prediction, "--connectivity", 8)
    assert "either a table" in refused(place, capsys, *truth, "--table", place / "pairs.csv")
    assert run_command(["evaluate", "--truth", str(files["truth"])]) == 2
    assert "--out" in last_error(capsys)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("truth2", "truth_two"), ["'truth_two'"]),
        (("prediction", "truth"), ["'truth' twice"]),
        (("case,", "patient2,"), ["patient2"]),
        (("images/probability2.nii.gz", "images/lost.nii.gz"), ["visit2", "probability", "lost.nii.gz"]),
        (("visit2", "visit1"), ["visit1", "twice"]),
        (("visit2,", ","), ["line 3", "no name"]),
        (("images/truth2.nii.gz,", ","), ["visit2", "no truth"]),
    ],
)
def test_a_wrong_table_is_refused_by_row_column_and_file(place, capsys, change, words):
    path = write_table(place)
    path.write_text(path.read_text().replace(*change))
    error = refused(place, capsys, "--table", path)
    for word in words:
        assert word in error


def test_a_table_that_is_none_or_holds_no_case_is_refused(place, capsys):
    path = place / "pairs.csv"
    assert "pairs.csv" in refused(place, capsys, "--table", path)
    path.write_text("case,truth,prediction\n\n")
    assert "no case" in refused(place, capsys, "--table", path)
    path.write_text("case,truth\nc,t.nii\n")
    assert "neither" in refused(place, capsys, "--table", path)
    path.write_bytes(b"\xff\xfe\x00case")
    assert "UTF-8" in refused(place, capsys, "--table", path)


def test_a_result_may_be_overwritten_and_a_folder_with_inputs_may_not(place, files, capsys):
    arguments = ["--truth", files["truth"], "--prediction", files["prediction"]]
    assert evaluate(place, *arguments) == 0
    assert evaluate(place, *arguments) == 2
    assert "not empty" in last_error(capsys)
    assert evaluate(place, *arguments, "--overwrite") == 0
    assert evaluate(place, *arguments, "--overwrite", out="images") == 2
    assert files["truth"].exists()


def test_events_are_the_only_thing_on_stdout(place, files, capfd):
    arguments = ["--truth", files["truth"], "--prediction", files["prediction"], "--json-events"]
    assert evaluate(place, *arguments) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [event["event"] for event in events][:2] == ["started", "progress"]
    assert events[-1]["event"] == "result"
    assert events[-1]["summary"]["cases"] == 1


def test_the_help_has_an_example(capsys):
    assert run_command(["evaluate", "--help"]) == 0
    assert "Example: " in capsys.readouterr().out


# What label values count as


@pytest.mark.parametrize(
    "options", [[], ["--possible", "lesion"], ["--possible", "background"], ["--min-lesion-voxels", "3"]]
)
@pytest.mark.parametrize("connectivity", ["6", "26"])
def test_a_mask_against_itself_is_right_under_every_option(place, options, connectivity):
    mask = made_up_case(3).truth.astype(np.uint8)
    mask[mask > 0] = 1 + (np.arange(np.count_nonzero(mask)) % 3 == 0)
    path = write(place / "mask.nii.gz", mask)
    out = place / "out"
    files = ["--truth", str(path), "--prediction", str(path), "--out", str(out)]
    assert run_command(["evaluate", *files, *options, "--connectivity", connectivity]) == 0
    (case,) = read_metrics(out).cases
    for name in ("dsc", "ppv", "tpr", "lesion_f1", "pq"):
        assert case.metrics[name] == 1, name
    warnings = json.loads((out / "metrics.json").read_text())["warnings"]
    assert any("mask.nii.gz holds the values 1 (" in warning for warning in warnings)


@pytest.mark.parametrize("value", [255, 7])
def test_another_value_counts_as_lesion_and_is_told_by_value_and_count(place, value):
    mask = made_up_case(3).truth.astype(np.uint8)
    path = write(place / "mask.nii.gz", mask * value)
    assert run_command(["evaluate", "--truth", str(path), "--prediction", str(path), "--out", str(place / "out")]) == 0
    warnings = json.loads((place / "out" / "metrics.json").read_text())["warnings"]
    assert any(f"{value} ({np.count_nonzero(mask)} voxels)" in warning for warning in warnings)


def test_numbered_lesions_cannot_have_possible_ones(place, capsys):
    truth = sitk.GetImageFromArray(made_up_case(3).truth.astype(np.uint8))
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(truth))
    assert labels.max() > 2
    path = write(place / "instances.nii.gz", labels.astype(np.uint8))
    command = ["evaluate", "--truth", str(path), "--prediction", str(path), "--possible", "background"]
    assert run_command([*command, "--out", str(place / "out")]) == 2
    assert "instances.nii.gz holds the values" in capsys.readouterr().err
    assert not (place / "out").exists()
