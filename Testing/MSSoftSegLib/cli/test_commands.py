"""The commands as a shell sees them: exit codes, last lines, and nothing half-written."""

from __future__ import annotations

import functools
import json
import os
import signal
import struct
import subprocess
import sys

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from Testing.MSSoftSegLib.jobs.small_exam import write_small_exam
from Testing.MSSoftSegLib.network.bundles import write_random_bundle
from Testing.patience import HANGING_S


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a small exam, its brain mask and a random model."""
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "models"))
    write_small_exam(tmp_path)
    write_random_bundle(tmp_path / "models" / "little")
    return tmp_path


def segment(place, *more, exam=None, tta="none"):
    exam = exam if exam is not None else ["--exam", str(place / "exam")]
    common = ["--brain", str(place / "brain.nii.gz"), "--model", "little", "--device", "cpu", "--tta", tta]
    return run_command(["segment", *exam, *common, "--out", str(place / "out"), *more])


def last_error(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def leftovers(place):
    return sorted(path.name for path in place.iterdir() if path.name.startswith((".out", "out")))


def test_segment_writes_the_result_folder_of_the_contract_on_the_flair_grid(place, capsys):
    assert segment(place, tta="flips8") == 0
    assert capsys.readouterr().out.strip() == str(place / "out")
    out = place / "out"
    flair = sitk.ReadImage(str(place / "exam" / "FLAIR.nii.gz"))
    kinds = {
        "lesion_probability": sitk.sitkFloat32,
        "lesion_entropy": sitk.sitkFloat32,
        "lesion_mask": sitk.sitkUInt8,
        "lesion_instances": sitk.sitkUInt16,
    }
    for stem, kind in kinds.items():
        image = sitk.ReadImage(str(out / f"{stem}.nii.gz"))
        assert image.GetPixelID() == kind
        assert image.GetSize() == flair.GetSize()
        np.testing.assert_allclose(image.GetOrigin(), flair.GetOrigin(), atol=1e-3)
        np.testing.assert_allclose(image.GetDirection(), flair.GetDirection(), atol=1e-5)
    probability = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "lesion_probability.nii.gz")))
    entropy = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "lesion_entropy.nii.gz")))
    assert probability.min() == 0
    assert probability.max() <= 1
    assert entropy.max() <= np.log(2)
    assert (out / "report.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    result = json.loads((out / "result.json").read_text())
    assert result["schema_version"] == 1
    assert result["model"]["name"] == "little"
    assert [stage["name"] for stage in result["stages"]][:3] == ["model", "reading", "alignment"]
    assert str(place) not in (out / "result.json").read_text() + (out / "report.html").read_text()
    working = sitk.ReadImage(str(out / "working" / "lesion_probability.nii.gz"))
    assert working.GetSpacing() == pytest.approx((1.0, 1.0, 1.0))


def test_a_second_run_with_another_model_repeats_no_preprocessing_and_gives_the_same_working_images(place, monkeypatch):
    from MSSoftSegLib.preprocessing import steps

    assert segment(place) == 0
    write_random_bundle(place / "models" / "other", seed=5)

    def forbidden(*arguments, **keywords):
        raise AssertionError("this step was computed before")

    monkeypatch.setattr(steps, "align_rigidly", forbidden)
    monkeypatch.setattr(steps, "correct_bias", forbidden)
    assert segment(place, "--model", "other", "--overwrite") == 0
    assert json.loads((place / "out" / "result.json").read_text())["model"]["name"] == "other"


def test_the_same_request_gives_the_same_voxels(place):
    results = []
    for more in ((), ("--overwrite", "--no-cache")):
        assert segment(place, *more) == 0
        results.append(sitk.GetArrayFromImage(sitk.ReadImage(str(place / "out" / "lesion_probability.nii.gz"))))
    np.testing.assert_array_equal(*results)


def test_without_working_images_the_result_is_smaller_and_complete(place):
    assert segment(place, "--no-keep-working", "--threshold", "0.3") == 0
    names = {path.name for path in (place / "out").iterdir()}
    assert "working" not in names
    assert {"lesions.csv", "report.html", "result.json", "lesion_mask.nii.gz"} <= names
    result = json.loads((place / "out" / "result.json").read_text())
    assert result["threshold"] == 0.3
    assert result["operating_point"] == "the threshold was asked for"


def test_a_reference_other_than_flair_lays_the_result_on_its_grid(place):
    assert (
        run_command(
            [
                "segment",
                "--exam",
                str(place / "exam"),
                "--brain",
                "atlas",
                "--out",
                str(place / "out"),
                "--reference",
                "t3",
            ]
        )
        == 2
    )
    t1 = sitk.ReadImage(str(place / "exam" / "T1.nii.gz"))
    mask = sitk.Image(t1.GetSize(), sitk.sitkUInt8) + 1
    mask.CopyInformation(t1)
    sitk.WriteImage(mask, str(place / "brain.nii.gz"))
    assert segment(place, "--reference", "t1") == 0
    assert sitk.ReadImage(str(place / "out" / "lesion_mask.nii.gz")).GetSize() == t1.GetSize()


def broken_flair(place, how):
    path = place / "bad.nii.gz"
    image = sitk.ReadImage(str(place / "exam" / "FLAIR.nii.gz"), sitk.sitkFloat32)
    if how == "4d":
        image = sitk.JoinSeries([image, image])
    elif how == "one slice":
        image = image[:, :, 3:4]
    elif how == "constant":
        image = image * 0 + 7
    elif how == "nan":
        array = sitk.GetArrayFromImage(image)
        array[0, 0, 0] = np.nan
        bad = sitk.GetImageFromArray(array)
        bad.CopyInformation(image)
        image = bad
    elif how == "rgb":
        image = sitk.Compose([sitk.Cast(image, sitk.sitkUInt8)] * 3)
    elif how == "text":
        path.write_text("this is no image")
        return path
    elif how == "missing":
        return place / "nowhere.nii.gz"
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("how", ["4d", "one slice", "constant", "nan", "rgb", "text", "missing"])
def test_a_bad_image_is_refused_by_name_and_leaves_no_folder(place, capsys, how):
    path = broken_flair(place, how)
    assert segment(place, exam=["--flair", str(path)]) == 2
    error = last_error(capsys)
    assert error.startswith("error: ")
    assert path.name in error
    assert " — " in error
    assert str(place) not in error
    assert leftovers(place) == []


def bad_header(place, how):
    """A NIfTI file whose voxels are sound and whose placement is not."""
    path = place / "bad.nii"
    array = np.random.default_rng(0).normal(100, 20, (12, 13, 14)).astype(np.float32)
    affine = np.diag([1.0, 1.5, 2.0, 1.0])
    if how == "sheared":
        affine[0, 1] = 0.5
    image = nibabel.Nifti1Image(array, affine)
    image.set_qform(None if how == "sheared" else affine, code=0 if how == "sheared" else 1)
    shift_mm = 5.0 if how == "disagreeing" else 0.0
    image.set_sform(affine + shift_mm * np.eye(4, k=3), code=1)
    nibabel.save(image, path)
    if how in ("zero spacing", "negative spacing"):
        raw = bytearray(path.read_bytes())
        raw[84:88] = struct.pack("<f", 0.0 if how == "zero spacing" else -1.5)  # pixdim[2]
        path.write_bytes(raw)
    return path


@pytest.mark.parametrize("how", ["sheared", "disagreeing", "zero spacing", "negative spacing"])
def test_a_header_that_does_not_say_where_the_patient_is_is_refused_by_name(place, capsys, how):
    path = bad_header(place, how)
    assert segment(place, exam=["--flair", str(path)]) == 2
    error = last_error(capsys)
    assert error.startswith("error: ")
    assert "bad.nii" in error
    assert str(place) not in error
    assert leftovers(place) == []


def test_two_candidates_for_one_role_are_both_named(place, capsys):
    (place / "exam" / "sub-01_acq-second_FLAIR.nii.gz").write_bytes((place / "exam" / "FLAIR.nii.gz").read_bytes())
    assert segment(place) == 2
    error = last_error(capsys)
    assert "FLAIR.nii.gz" in error
    assert "sub-01_acq-second_FLAIR.nii.gz" in error
    assert leftovers(place) == []


def test_images_of_different_patients_are_refused_without_a_word_about_who_they_are(place, capsys):
    (place / "exam" / "FLAIR.json").write_text(json.dumps({"PatientID": "secret-4711"}))
    (place / "exam" / "T1.json").write_text(json.dumps({"PatientID": "secret-0815"}))
    assert segment(place) == 2
    error = last_error(capsys)
    assert "different patients" in error
    assert "secret" not in error
    assert leftovers(place) == []


def test_a_folder_without_flair_is_refused_and_contrast_enhanced_t1_is_not_taken_for_t1(place, capsys):
    (place / "exam" / "FLAIR.nii.gz").unlink()
    assert segment(place) == 2
    assert "FLAIR" in last_error(capsys)
    write_small_exam(place / "again")
    exam = place / "again" / "exam"
    (exam / "T1.nii.gz").rename(exam / "sub-01_ce-gadolinium_T1w.nii.gz")
    assert segment(place, exam=["--exam", str(exam)]) == 0
    result = json.loads((place / "out" / "result.json").read_text())
    assert [entry["modality"] for entry in result["inputs"]] == ["flair", "t2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "nobody"], "nobody"),
        (["--device", "cuda:7"], "cuda:7"),
        (["--threshold", "1.5"], "threshold"),
        (["--align-to", "t2"], "align_to"),
        (["--colour", "red"], "--colour"),
        (["--brain", "nowhere.nii.gz"], "nowhere.nii.gz"),
    ],
)
def test_a_wrong_option_is_named_in_the_last_line_and_leaves_no_folder(place, capsys, arguments, words):
    code = segment(place, *arguments)
    assert code == (3 if "--device" in arguments else 2)
    error = last_error(capsys)
    assert error.startswith("error: ")
    assert words in error
    assert leftovers(place) == []


def test_an_unknown_augmentation_is_named(place, capsys):
    assert segment(place, tta="many") == 2
    assert "tta" in last_error(capsys)


def test_an_output_folder_that_holds_something_is_refused_before_anything_is_computed(place, capfd):
    (place / "out").mkdir()
    (place / "out" / "precious.txt").write_text("keep me")
    assert segment(place, "--json-events") == 2
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert "not empty" in events[-1]["message"]
    assert "progress" not in [event["event"] for event in events]
    assert (place / "out" / "precious.txt").read_text() == "keep me"


def test_a_damaged_model_is_refused_before_anything_is_computed(place, capsys):
    (place / "models" / "little" / "weights.safetensors").write_bytes(b"garbage")
    assert segment(place) == 2
    assert "checksum" in last_error(capsys)
    assert leftovers(place) == []


def test_json_events_are_the_only_thing_on_stdout_and_end_once(place):
    command = [sys.executable, "-m", "MSSoftSegLib", "preprocess", "--exam", str(place / "exam")]
    command += ["--brain", str(place / "brain.nii.gz"), "--out", str(place / "out"), "--json-events"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANGING_S)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "started"
    assert events[0]["stages"][1] == "alignment"
    assert [event["event"] for event in events].count("result") == 1
    assert events[-1]["event"] == "result"
    assert (place / "out" / "brain_mask.nii.gz").exists()


def test_a_wrong_request_is_a_failed_event_too(place):
    command = [sys.executable, "-m", "MSSoftSegLib", "segment", "--exam", str(place / "exam"), "--threshold", "0"]
    command += ["--out", str(place / "out"), "--json-events"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANGING_S)
    assert done.returncode == 2
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == ["failed"]


def test_overwriting_an_exam_by_its_own_result_is_refused(place, capsys):
    assert segment(place, "--out", str(place / "exam"), "--overwrite") == 2
    assert "not overwritten" in last_error(capsys)
    assert (place / "exam" / "FLAIR.nii.gz").exists()


def test_ctrl_c_leaves_no_partial_result(place):
    command = [sys.executable, "-m", "MSSoftSegLib", "segment", "--exam", str(place / "exam"), "--model", "little"]
    command += ["--brain", str(place / "brain.nii.gz"), "--out", str(place / "out"), "--json-events"]
    # A shell that runs the tests in the background ignores the signal; the user's shell does not.
    listening = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listening)
    for line in process.stdout:
        if '"alignment"' in line and '"progress"' in line:
            os.kill(process.pid, signal.SIGINT)
            break
    rest, errors = process.communicate(timeout=HANGING_S)
    assert process.returncode == 130
    assert json.loads(rest.strip().splitlines()[-1])["event"] == "cancelled"
    assert errors.strip().splitlines()[-1].startswith("error: cancelled")
    assert leftovers(place) == []


def test_without_arguments_help_is_shown(capsys):
    assert run_command([]) == 0
    assert "segment" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["segment", "preprocess", "demo", "doctor", "worker"])
def test_every_help_has_an_example(capsys, command):
    assert run_command([command, "--help"]) == 0
    assert "Example: " in capsys.readouterr().out


def test_models_can_be_listed_verified_imported_and_removed(place, capsys):
    source = write_random_bundle(place / "elsewhere" / "gift")
    assert run_command(["models", "import", str(source)]) == 0
    assert run_command(["models", "verify", "gift"]) == 0
    assert "gift: ok" in capsys.readouterr().out
    (place / "models" / "gift" / "weights.safetensors").write_bytes(b"garbage")
    assert run_command(["models", "verify"]) == 2
    assert "gift" in capsys.readouterr().err
    assert run_command(["models", "remove", "gift", "--yes"]) == 0
    assert not (place / "models" / "gift").exists()
    assert run_command(["models", "remove", "../exam", "--yes"]) == 2
    assert (place / "exam").is_dir()


def test_doctor_says_in_json_what_is_there(place, capsys):
    run_command(["doctor", "--json"])
    document = json.loads(capsys.readouterr().out)
    topics = {finding["topic"]: finding for finding in document["findings"]}
    assert {"torch", "device cpu", "memory", "disk", "HD-BET", "model little"} <= set(topics)
    assert topics["model little"]["remedy"] is None
    assert isinstance(document["ready"], bool)


def test_doctor_names_a_damaged_model_and_what_mends_it(place, capsys):
    (place / "models" / "little" / "weights.safetensors").write_bytes(b"garbage")
    assert run_command(["doctor", "--json"]) == 3
    findings = json.loads(capsys.readouterr().out)["findings"]
    (little,) = [finding for finding in findings if finding["topic"] == "model little"]
    assert little["remedy"] == "mssoftseg models remove little"


def test_preprocessed_images_are_taken_as_they_are(place, capsys):
    once = place / "once"
    assert segment(place) == 0
    (place / "out").rename(once)
    bright = sitk.ReadImage(str(once / "working" / "T2.nii.gz")) * 1.5
    sitk.WriteImage(bright, str(once / "working" / "PD.nii.gz"))
    working = [f"--{name}={once}/working/{name.upper()}.nii.gz" for name in ("flair", "t1", "t2", "pd")]
    common = ["--model", "little", "--device", "cpu", "--tta", "none", "--out", str(place / "out")]
    assert run_command(["segment", *working, "--preprocessed", *common]) == 0
    again = json.loads((place / "out" / "result.json").read_text())
    assert again["brain_extraction"] == "none"
    assert [entry["modality"] for entry in again["inputs"]] == ["flair", "t1", "t2", "pd"]
    seconds = {stage["name"]: stage["seconds"] for stage in again["stages"]}
    assert seconds["alignment"] + seconds["bias-correction"] + seconds["brain-extraction"] < 0.1
    first, second = (
        sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "working" / "lesion_probability.nii.gz")))
        for folder in (once, place / "out")
    )
    np.testing.assert_allclose(first[first > 0], second[second > 0], atol=1e-3)
    capsys.readouterr()
    assert run_command(["segment", *working, "--preprocessed", "--brain", "atlas", *common, "--overwrite"]) == 2
    assert "leave --brain and --align-to out" in last_error(capsys)
