"""From unlabelled exams to a library that a student can be trained on, through the command."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.reading import read_labeled_cases, read_library
from MSSoftSegLib.training.pseudo_labels import plan
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.network.bundles import write_random_bundle
from Testing.MSSoftSegLib.training.small_cases import write_small_cases


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A random teacher and three small preprocessed exams in folders that carry names."""
    monkeypatch.setenv("MSSOFTSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "models"))
    write_random_bundle(tmp_path / "models" / "teacher")
    cases = write_small_cases(tmp_path / "made", 3, 5)
    for case, name in zip(cases, ("Ärger, Zoe", "Becker_Max", "Cohn-Ida"), strict=True):
        (tmp_path / "exams" / name).mkdir(parents=True)
        for path in case.images.values():
            shutil.copyfile(path, tmp_path / "exams" / name / path.name)
    return tmp_path


def pseudolabel(place: Path, *more: str, unlabeled: str = "exams") -> int:
    common = ["--model", "teacher", "--unlabelled", str(place / unlabeled), "--out", str(place / "library")]
    preprocessed = ["--preprocessed"] if unlabeled == "exams" else []
    return run_command(["pseudolabel", *common, *preprocessed, "--device", "cpu", *more])


def read(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def pseudo_cases(place: Path):
    return read_labeled_cases(place / "library", statuses=("segmented",), verify=True)


def write_part_of_exam(raw: Path, folder: Path) -> sitk.Image:
    """A corner of the small digital exam, FLAIR without skull and T1, so that preprocessing takes seconds; returns FLAIR."""
    exam, brain = write_small_exam(raw)
    folder.mkdir(parents=True)
    flair = sitk.Mask(sitk.ReadImage(str(exam / "FLAIR.nii.gz")), sitk.ReadImage(str(brain)))
    occupied = np.argwhere(sitk.GetArrayViewFromImage(flair)).min(axis=0)[::-1].tolist()
    corner = [start + 6 for start in occupied]
    flair = flair[tuple(slice(start, start + count) for start, count in zip(corner, (30, 36, 18), strict=True))]
    sitk.WriteImage(flair, str(folder / "FLAIR.nii.gz"))
    t1 = sitk.ReadImage(str(exam / "T1.nii.gz"))
    center = t1.TransformPhysicalPointToIndex(flair.TransformContinuousIndexToPhysicalPoint((15, 18, 9)))
    t1 = t1[tuple(slice(max(0, place - 20), place + 20) for place in center)]
    sitk.WriteImage(t1, str(folder / "T1.nii.gz"))
    return flair


def test_an_output_whose_making_was_interrupted_is_made_whole(place):
    create_library(place / "library")
    (place / "library" / "dataset_description.json").unlink()
    assert pseudolabel(place) == 0
    assert check_library(place / "library") == []
    assert len(read_library(place / "library")) == 3


def test_an_output_that_lost_its_description_but_holds_a_case_is_refused(place, capsys):
    assert pseudolabel(place) == 0
    (place / "library" / "dataset_description.json").unlink()
    assert pseudolabel(place) == 2
    assert "is not a case library" in capsys.readouterr().err
    assert not (place / "library" / "dataset_description.json").exists()


def test_a_raw_exam_becomes_a_case_whose_label_and_confidence_are_what_segment_shows_of_it(place, capsys):
    visit = place / "visits" / "Somebody" / "ses-2"
    flair = write_part_of_exam(place / "raw", visit / "anat")
    options = ["--brain", "none", "--mode", "confidence-weighted", "--alpha", "0.5"]
    assert pseudolabel(place, *options, unlabeled="visits") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["pseudo001\tSomebody/ses-2", str(place / "library")]

    (case,) = pseudo_cases(place)
    assert case.is_pseudo_labelled
    assert case.patient == "pseudo001"
    assert sorted(case.images) == ["flair", "t1"]
    assert check_library(place / "library") == []
    shown = ["segment", "--exam", str(visit), "--out", str(place / "shown")]
    assert run_command([*shown, "--model", "teacher", "--brain", "none", "--device", "cpu", "--tta", "flips8"]) == 0
    assert case.soft_label is not None
    assert case.confidence is not None
    np.testing.assert_array_equal(read(case.soft_label), read(place / "shown" / "lesion_probability.nii.gz"))
    entropy_nats = read(place / "shown" / "lesion_entropy.nii.gz")
    np.testing.assert_allclose(read(case.confidence), np.exp(-0.5 * entropy_nats), atol=1e-6)
    assert read(case.confidence).min() >= 2**-0.5 - 1e-6
    for path in (case.soft_label, case.confidence):
        image = sitk.ReadImage(str(path))
        assert image.GetSize() == flair.GetSize()
        np.testing.assert_allclose(image.GetOrigin(), flair.GetOrigin(), atol=1e-3)
        np.testing.assert_allclose(image.GetDirection(), flair.GetDirection(), atol=1e-5)


def test_a_hard_label_with_a_shell_is_stored_without_weights_and_nothing_in_the_library_names_a_folder(place, capsys):
    assert pseudolabel(place, "--alpha", "0", "--gamma", "0.4", "--tst", "1") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == ["pseudo001\tBecker_Max", "pseudo002\tCohn-Ida", "pseudo003\tÄrger, Zoe"]
    cases = pseudo_cases(place)
    assert [case.patient for case in cases] == ["pseudo001", "pseudo002", "pseudo003"]
    for case in cases:
        assert case.preprocessed
        assert case.confidence is None
        assert case.soft_label is not None
        assert set(np.unique(read(case.soft_label))) == {np.float32(0), np.float32(0.4), np.float32(1)}
    (record, *_) = read_library(place / "library")
    assert record.status == "segmented"
    assert record.pseudo_labelled
    assert record.source_model is not None
    assert record.source_model.startswith("teacher 0 (sha256 ")
    assert "gamma 0.4" in record.source_model
    for path in (place / "library").rglob("*"):
        text = path.name + (path.read_text(encoding="utf-8") if path.suffix in (".json", ".tsv") else "")
        assert not any(name in text for name in ("Becker", "Cohn", "Zoe", str(place)))


def test_a_second_run_labels_only_what_is_new_and_every_exam_keeps_its_name(place, capsys):
    aside = place / "aside"
    (place / "exams" / "Becker_Max").rename(aside)
    assert pseudolabel(place) == 0
    before = {path: path.stat().st_mtime_ns for path in (place / "library").rglob("*.nii.gz")}
    aside.rename(place / "exams" / "Becker_Max")
    capsys.readouterr()
    assert pseudolabel(place) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[:3] == ["pseudo003\tBecker_Max", "pseudo001\tCohn-Ida", "pseudo002\tÄrger, Zoe"]
    assert captured.err.count("skipped") == 2
    assert len(pseudo_cases(place)) == 3
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_the_same_exam_under_two_folder_names_is_one_case(place, capsys):
    shutil.copytree(place / "exams" / "Becker_Max", place / "exams" / "Becker again")
    assert pseudolabel(place) == 0
    assert len(pseudo_cases(place)) == 3
    mapping = dict(reversed(line.split("\t")) for line in capsys.readouterr().out.splitlines()[:4])
    assert mapping["Becker again"] == mapping["Becker_Max"]


def test_other_settings_do_not_mix_into_a_library(place, capsys):
    assert pseudolabel(place) == 0
    assert pseudolabel(place, "--alpha", "0.7") == 2
    assert "other settings" in capsys.readouterr().err.splitlines()[-1]
    assert len({record.source_model for record in read_library(place / "library")}) == 1


def test_an_exam_that_is_not_confident_enough_is_dropped_with_its_sum_and_the_others_are_not(place, capfd):
    sums = confident_sums(place, capfd)
    between = (sums[0] + sums[1]) / 2
    assert pseudolabel(place, "--tst", str(between)) == 0
    error = "".join(capfd.readouterr().err.splitlines())
    assert error.count("is dropped") == sum(value < between for value in sums) > 0
    assert f"{min(sums):.1f} mm³" in error
    assert len(pseudo_cases(place)) == sum(value >= between for value in sums) > 0


def confident_sums(place: Path, capfd) -> list[float]:
    """Σq of every exam, from a run of which nothing is kept."""
    assert pseudolabel(place, "--tst", "1e9", "--json-events") == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [event["event"] for event in events].count("result") == 1
    assert events[-1]["summary"]["dropped"] == 3
    assert read_library(place / "library") == []
    shutil.rmtree(place / "library")
    overall = [event["overall"] for event in events if event["event"] == "progress"]
    assert overall == sorted(overall)
    return [event["value"] for event in events if event["event"] == "metric"]


def test_a_run_that_is_cancelled_leaves_whole_cases_and_the_next_one_goes_on(place, capsys):
    events: list[dict] = []
    spec = {"model": "teacher", "unlabelled": place / "exams", "out": place / "library", "preprocessed": True}
    job = parse_job({"job": "j1", "kind": "pseudolabel", "spec": {**spec, "device": "cpu"}})
    outcome = run(job, events.append, cancelled=lambda: any(event["event"] == "metric" for event in events))
    assert outcome.exit_code == 130
    assert events[-1]["event"] == "cancelled"
    assert [case.patient for case in pseudo_cases(place)] == ["pseudo001"]
    assert check_library(place / "library") == []
    assert pseudolabel(place) == 0
    assert capsys.readouterr().err.count("skipped") == 1
    assert len(pseudo_cases(place)) == 3


def test_a_lack_of_the_machine_is_not_blamed_on_the_exams(place, capsys):
    assert pseudolabel(place, "--device", "cuda:77") == 3
    assert "cuda:77" in capsys.readouterr().err.splitlines()[-1]
    assert not (place / "library").exists()


def test_help_has_an_example(capsys):
    assert run_command(["pseudolabel", "--help"]) == 0
    assert "Example: mssoftseg pseudolabel" in capsys.readouterr().out


def test_one_bad_exam_does_not_stop_the_rest(place, capsys):
    (place / "exams" / "Becker_Max" / "flair.nii.gz").write_bytes(b"this is no image")
    (place / "exams" / "empty folder").mkdir()
    assert pseudolabel(place) == 4
    captured = capsys.readouterr()
    assert "2 of the 4 exams could not be labelled; the others are done" in captured.err.splitlines()[-1]
    assert captured.err.count("was not labelled") == 2
    assert "flair.nii.gz" in captured.err
    assert "Becker" not in captured.err
    assert len(pseudo_cases(place)) == 2


def test_when_all_exams_fail_the_job_fails_and_leaves_no_library(place, capsys):
    for flair in (place / "exams").glob("*/flair.nii.gz"):
        flair.unlink()
    assert pseudolabel(place) == 4
    captured = capsys.readouterr()
    assert "none of the 3 exams" in captured.err.splitlines()[-1]
    assert captured.out.count("pseudo0") == 3
    assert not (place / "library").exists()


def test_the_unlabeled_cases_of_a_library_keep_their_patients_and_can_be_labeled_in_place(place, capsys):
    create_library(place / "clinic")
    for number, folder in enumerate(sorted((place / "exams").iterdir())):
        images = {modality: folder / f"{modality}.nii.gz" for modality in ("flair", "t1", "t2")}
        raters = {"anna": place / "made" / "case-01" / "anna.nii.gz"} if number == 0 else {}
        add_case(place / "clinic", patient="12", session=f"{number}", images=images, raters=raters, preprocessed=True)
    assert pseudolabel(place, "--mode", "confidence-weighted", unlabeled="clinic") == 0
    assert [case.case for case in pseudo_cases(place)] == ["sub-12_ses-1", "sub-12_ses-2"]
    in_place = ["--unlabelled", str(place / "clinic"), "--out", str(place / "clinic"), "--device", "cpu"]
    assert run_command(["pseudolabel", "--model", "teacher", *in_place]) == 0
    assert [record.pseudo_labelled for record in read_library(place / "clinic")] == [False, True, True]
    assert check_library(place / "clinic") == []


def test_a_library_that_may_not_be_written_to_is_refused_before_any_exam(place, capsys, monkeypatch):
    create_library(place / "library")
    monkeypatch.setattr(plan.os, "access", lambda path, mode: not mode & os.W_OK or path != place / "library")
    assert pseudolabel(place) == 2
    said = capsys.readouterr().err
    assert "library may not be written to" in said.splitlines()[-1]
    assert "was not labelled" not in said


def test_a_folder_s_name_moves_no_cursor(place, capsys):
    (place / "exams" / "Becker_Max").rename(place / "exams" / "\x1b[2JB\ncker")
    assert pseudolabel(place) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert len(printed.splitlines()) == 4


def test_a_recipe_gives_the_settings_and_options_come_first(place):
    assert pseudolabel(place, "--recipe", "barilan-ssl", "--radius-mm", "2.5") == 0
    (record, *_) = read_library(place / "library")
    for setting in ("mode binary+soft", "alpha 0.3", "vpt 0.3", "tst 100.0", "gamma 0.5", "radius_mm 2.5"):
        assert setting in str(record.source_model)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--recipe", "kats2019"], "pseudo_labels"),
        (["--mode", "soft"], "mode"),
        (["--vpt-on", "entropy"], "vpt_on"),
        (["--gamma", "1.5"], "gamma"),
        (["--alpha", "inf"], "alpha: must be a finite number"),
        (["--tst", "inf"], "tst"),
        (["--radius-mm", "inf"], "radius_mm"),
        (["--brain", "mask.nii.gz"], "brain"),
        (["--model", "nobody"], "nobody"),
        (["--unlabelled", "nowhere"], "nowhere"),
        (["--out", "HERE/exams/library"], "elsewhere"),
        (["--out", "HERE/made"], "not a case library"),
        (["--out", "HERE/made/case-01/anna.nii.gz/library"], "below the file anna.nii.gz"),
        (["--out", "HERE/link"], "is a link to a folder that is not here"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_computed(place, capsys, arguments, words):
    (place / "link").symlink_to(place / "gone")
    assert pseudolabel(place, *[argument.replace("HERE", str(place)) for argument in arguments]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ")
    assert words in last
    assert not (place / "library").exists()
