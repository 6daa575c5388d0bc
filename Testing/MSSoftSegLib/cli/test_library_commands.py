"""``mssoftseg library`` as a shell sees it."""

from __future__ import annotations

import json

import pytest

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from Testing.MSSoftSegLib.library.made_cases import gray, labels, soft, written
from Testing.MSSoftSegLib.library.test_importing import isbi_tree
from Testing.MSSoftSegLib.library.test_worklist import result_folder
from Testing.MSSoftSegLib.training.made_spleens import write_spleen_task


@pytest.fixture
def place(tmp_path):
    written(gray(), tmp_path / "flair.nii.gz")
    written(gray(1), tmp_path / "t1.nii.gz")
    written(labels(), tmp_path / "ann.nii.gz")
    written(labels(1), tmp_path / "ben.nii.gz")
    return tmp_path


def library(place, command, *arguments):
    return run_command(["library", command, str(place / "library"), *map(str, arguments)])


def last_error(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def filled(place):
    assert library(place, "init") == 0
    images = ["--flair", place / "flair.nii.gz", "--t1", place / "t1.nii.gz"]
    masks = ["--mask", place / "ann.nii.gz", "--rater", "ann", "--mask", place / "ben.nii.gz", "--rater", "ben"]
    assert library(place, "add", "--id", "01", "--session", "2", *images, *masks) == 0
    assert library(place, "add", "--id", "02", "--flair", place / "t1.nii.gz") == 0


def test_a_case_is_added_listed_shown_approved_and_exported(place, capsys):
    filled(place)
    assert library(place, "set-status", "01/2", "approved") == 0
    capsys.readouterr()
    assert library(place, "list") == 0
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if "sub-01_ses-2" in line)
    assert line.split() == ["sub-01_ses-2", "approved", "flair", "t1", "ann", "ben", "–", "–", "–"]
    assert "cases: 2, patients: 2" in printed
    assert library(place, "list", "--json", "--status", "unlabelled") == 0
    assert [row["case"] for row in json.loads(capsys.readouterr().out)] == ["sub-02"]
    assert library(place, "show", "sub-01_ses-2") == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record["raters"]) == {"ann", "ben"}
    for format, made in (("bids", "b"), ("nnunet", "n"), ("monai-datalist", "m.json")):
        assert library(place, "export", "--format", format, "--out", place / made) == 0
        assert (place / made).exists()
    assert library(place, "check") == 0


def test_check_names_the_file_and_exits_with_2(place, capsys):
    filled(place)
    mask = resolve_inside(place / "library", CaseId("01", "2").rater_mask("ann"))
    mask.write_bytes(mask.read_bytes()[:-1])
    (place / "library" / "notes.txt").write_text("x")
    capsys.readouterr()
    assert library(place, "check") == 2
    captured = capsys.readouterr()
    assert mask.name in captured.out
    assert "foreign: notes.txt" in captured.out
    assert captured.err.startswith("error: 2 findings")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "--id", "Doe Jane", "--flair", "flair.nii.gz"], "Doe Jane"),
        (["add", "--id", "3"], "sub-3"),
        (["add", "--id", "3", "--flair", "lost.nii.gz"], "lost.nii.gz"),
        (["add", "--id", "3", "--flair", "flair.nii.gz", "--mask", "ann.nii.gz"], "1 masks and 0 raters"),
        (["add", "--id", "3", "--flair", "flair.nii.gz", "--status", "great"], "great"),
        (["add", "--id", "01", "--session", "2", "--flair", "t1.nii.gz"], "sub-01_ses-2_FLAIR"),
        (["add", "--id", "3", "--flair", "flair.nii.gz", "--notes", "x"], "notes"),
        (["add", "--id", "3", "--flair", "flair.nii.gz", "--result", "."], "not a result"),
        (["list", "--order", "size"], "size"),
        (["agreement", "01/2", "--rater", "ann", "--out", "u.nii.gz"], "1 raters"),
        (["agreement", "01/2", "--rater", "ann", "--rater", "carl", "--out", "u.nii.gz"], "carl"),
        (["merge", "--gamma", "7"], "gamma"),
        (["show", "sub-9"], "sub-9"),
        (["show", "../x"], "../x"),
        (["set-status", "02", "approved"], "no label"),
        (["set-status", "02", "great"], "great"),
        (["import", "--format", "bids", "--from", "flair.nii.gz"], "flair.nii.gz"),
        (["import", "--format", "dicom", "--from", "."], "dicom"),
        (["export", "--format", "dicom-seg", "--out", "o"], "dicom-seg"),
        (["export", "--format", "isbi-submission", "--out", "o"], "predictions"),
        (["export", "--format", "bids", "--out", "o"], "approved"),
        (["init"], "already"),
    ],
)
def test_a_wrong_request_is_one_line_and_changes_nothing(place, capsys, monkeypatch, arguments, words):
    filled(place)
    monkeypatch.chdir(place)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert library(place, *arguments) == 2
    error = last_error(capsys)
    assert error.startswith("error: ")
    assert words in error
    assert " — " in error
    assert str(place) not in error
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_a_folder_that_is_no_library_is_refused_by_every_command(place, capsys):
    for command, *rest in (
        ["list"],
        ["check"],
        ["show", "sub-1"],
        ["set-status", "sub-1", "excluded"],
        ["add", "--id", "1", "--flair", place / "flair.nii.gz"],
        ["import", "--format", "bids", "--from", place],
        ["export", "--format", "bids", "--out", place / "o"],
    ):
        assert library(place, command, *rest) == 2
        assert "not a case library" in last_error(capsys)
    assert not (place / "library").exists()


def test_an_exam_folder_can_be_added_as_it_is(place):
    assert library(place, "init") == 0
    written(gray(), place / "exam" / "FLAIR.nii.gz")
    written(gray(1), place / "exam" / "T2.nii.gz")
    assert library(place, "add", "--id", "1", "--exam", place / "exam") == 0
    assert resolve_inside(place / "library", CaseId("1").folder / "sub-1_T2w.nii.gz").exists()


def test_the_challenge_is_imported_and_what_could_not_be_is_named(place, capsys):
    assert library(place, "init") == 0
    source = isbi_tree(place / "isbi")
    assert library(place, "import", "--format", "isbi2015", "--from", source) == 0
    assert "now: 3" in capsys.readouterr().out
    bad = source / "training" / "training01" / "masks" / "training01_01_mask1.nii"
    bad.write_bytes(bad.read_bytes()[:500])
    assert library(place, "import", "--format", "isbi2015", "--from", source) == 2
    assert "training01_01" in last_error(capsys)


def test_the_spleen_task_is_imported_with_ct_in_flairs_part(place, capsys):
    assert library(place, "init") == 0
    source = write_spleen_task(place / "Task09_Spleen", 2, seed=4)
    assert library(place, "import", "--format", "msd", "--from", source) == 2
    assert "--as-flair" in last_error(capsys)
    assert library(place, "import", "--format", "msd", "--from", source, "--as-flair", "CT", "--label", "1") == 0


def test_import_events_end_with_exactly_one_result(place, capfd):
    assert library(place, "init") == 0
    source = isbi_tree(place / "isbi")
    capfd.readouterr()
    assert library(place, "import", "--format", "isbi2015", "--from", source, "--json-events") == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "started"
    assert kinds[-1] == "result"
    # The masks of this tree mark half of everything, which is told.
    assert set(kinds[1:-1]) == {"progress", "log"}
    assert events[-1]["summary"] == {"cases": 3}


def test_what_a_model_found_is_added_listed_by_uncertainty_and_followed_by_a_drawing(place, capsys):
    assert library(place, "init") == 0
    written(soft(), result_folder(place / "result") / "lesion_probability.nii.gz")
    found = ["--result", place / "result"]
    assert library(place, "add", "--id", "1", "--flair", place / "flair.nii.gz", *found) == 0
    assert library(place, "add", "--id", "2", "--flair", place / "flair.nii.gz") == 0
    capsys.readouterr()
    assert library(place, "list", "--order", "uncertainty", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["case"], row["status"], row["soft_label"]) for row in rows] == [
        ("sub-1", "segmented", "mine2"),
        ("sub-2", "unlabelled", None),
    ]
    assert (rows[0]["psu"], rows[0]["worst_lesion_lsu"], rows[0]["source_model"]) == (0.2, 0.75, "mine-2")
    drawn = ["--mask", place / "ann.nii.gz", "--rater", "ann", "--notes", "two pale ones"]
    assert library(place, "add", "--id", "1", *drawn, *found, "--status", "corrected") == 0
    assert library(place, "set-status", "1", "approved", "--rater", "ben") == 0
    capsys.readouterr()
    assert library(place, "show", "1") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["raters"]["ann"]["notes"] == "two pale ones"
    assert library(place, "history", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:3] for line in lines] == [["sub-1", "–:"], ["sub-1", "ann:"], ["sub-1", "ben:"]]
    assert lines[-1].endswith("status approved")
    assert library(place, "check") == 0


def test_two_raters_are_compared_and_the_librarys_merge_is_chosen(place, capsys):
    filled(place)
    capsys.readouterr()
    raters = ["--rater", "ann", "--rater", "ben"]
    assert library(place, "agreement", "01/2", *raters, "--out", place / "union.nii.gz") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("DSC 0.")
    assert (place / "union.nii.gz").exists()
    assert library(place, "agreement", "01/2", *raters, "--out", place / "union.nii.gz") == 2
    assert "already" in last_error(capsys)
    assert library(place, "merge") == 0
    assert capsys.readouterr().out == "nothing is chosen\n"
    assert library(place, "merge", "--merge", "soft-union", "--gamma", "0.25") == 0
    assert library(place, "merge", "--method", "barilan") == 0
    assert "merge=soft-union method=barilan gamma=0.25" in capsys.readouterr().out
    assert library(place, "merge", "--merge", "vote") == 2


def test_one_unreadable_record_hides_no_other_case_from_the_list_but_fails_it(place, capsys):
    filled(place)
    resolve_inside(place / "library", CaseId("02").record).write_text("{")
    capsys.readouterr()
    assert library(place, "list") == 2
    captured = capsys.readouterr()
    assert "sub-01_ses-2" in captured.out
    assert "sub-02_case.json" in captured.err


COMMANDS = ("init", "add", "list", "show", "history", "set-status", "agreement", "merge", "import", "export", "check")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(capsys, command):
    assert run_command(["library", command, "--help"]) == 0
    assert "Example: mssoftseg library" in " ".join(capsys.readouterr().out.split())
