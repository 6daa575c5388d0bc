"""``mssoftseg softmask`` as a shell sees it: the file, its sidecar, the refusals, and nothing half-written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.jobs.softmask import softmask
from MSSoftSegLib.process_identity import mark_machine
from MSSoftSegLib.version import VERSION
from Testing.MSSoftSegLib.softlabel.made_masks import image
from Testing.patience import HANGING_S

SPACING = (0.9, 1.1, 3.0)


@pytest.fixture
def place(tmp_path):
    """Two raters and a FLAIR on one oblique grid: a lesion of 12 voxels, on 4 of which the raters disagree."""
    flair = np.random.default_rng(3).normal(80, 4, (6, 9, 10)).astype(np.float32)
    first, second = np.zeros((2, *flair.shape), np.uint8)
    first[3, 3:5, 3:8] = second[3, 3:5, 4:9] = 1
    second[0, 0, 0] = 2
    flair[3, 2:6, 2:9] += 20
    for name, array in (("A", first), ("B", second), ("F", flair)):
        sitk.WriteImage(image(array, SPACING), str(tmp_path / f"{name}.nii.gz"))
    return tmp_path


def words(place, *more, raters=("A", "B"), merge="soft-union", method="barilan", flair=True, out="S.nii.gz"):
    """The words of one request."""
    arguments = [word for name in raters for word in ("--rater", str(place / f"{name}.nii.gz"))]
    arguments += ["--flair", str(place / "F.nii.gz")] if flair else []
    arguments += ["--merge", merge] if merge else []
    return ["softmask", *arguments, "--method", method, "--out", str(place / out), *more]


def soften(place, *more, **options):
    return run_command(words(place, *more, **options))


def last_error(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def names(place):
    return sorted(path.name for path in place.iterdir())


def test_the_file_lies_on_the_raters_grid_and_the_sidecar_says_how_it_was_made(place, capsys):
    assert soften(place, "--gamma", "0.4", "--radius-mm", "1.2") == 0
    path, told = capsys.readouterr().out.strip().splitlines()
    assert path == str(place / "S.nii.gz")
    soft, rater = sitk.ReadImage(str(place / "S.nii.gz")), sitk.ReadImage(str(place / "A.nii.gz"))
    assert soft.GetPixelID() == sitk.sitkFloat32
    assert soft.GetSize() == rater.GetSize()
    np.testing.assert_allclose(soft.GetOrigin(), rater.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(soft.GetDirection(), rater.GetDirection(), atol=1e-5)
    array = sitk.GetArrayFromImage(soft)
    assert (array == 1).sum() == 8
    assert array[0, 0, 0] == np.float32(0.4)
    assert (array[3, 3:5, [3, 8]] == np.float32(0.4)).all()
    sidecar = json.loads((place / "S.json").read_text())
    assert sidecar["settings"]["merge"] == "soft-union"
    assert sidecar["settings"]["radius_mm"] == 1.2
    assert sidecar["software_version"] == VERSION
    assert sidecar["sha256"] == compute_sha256(place / "S.nii.gz")
    voxel_ml = np.prod(SPACING) / 1000
    assert sidecar["core_volume_ml"] == pytest.approx(8 * voxel_ml, abs=1e-5)
    assert sidecar["soft_volume_ml"] == pytest.approx(array.sum(dtype=float) * voxel_ml, abs=1e-5)
    assert f"soft volume {sidecar['soft_volume_ml']:.3f} mL" in told
    assert [item["path_name"] for item in sidecar["inputs"]] == ["A.nii.gz", "B.nii.gz", "F.nii.gz"]
    assert str(place) not in json.dumps(sidecar)


@pytest.mark.parametrize(
    ("method", "label"), [("gaussian", "Groza-style Gaussian"), ("svls", "Groza-style SVLS"), ("none", "merge alone")]
)
def test_methods_that_do_not_look_at_flair_run_without_it_and_are_called_by_their_label(place, method, label):
    assert soften(place, method=method, flair=False) == 0
    assert json.loads((place / "S.json").read_text())["method_label"] == label


def test_events_are_json_lines_and_the_summary_has_the_volumes_and_warnings(place):
    request = words(place, "--json-events", "--size-percent", "1000", "--flair-threshold", "95", method="kats")
    command = [sys.executable, "-m", "MSSoftSegLib", *request]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANGING_S)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "started"
    assert events[0]["kind"] == "softmask"
    assert events[-1]["event"] == "result"
    assert events[-1]["path"] == "S.nii.gz"
    summary = events[-1]["summary"]
    assert summary["soft_volume_ml"] > summary["core_volume_ml"] > 0
    assert len(summary["warnings"]) == 1
    warned = [event["message"] for event in events if event["event"] == "log" and event["level"] == "warning"]
    assert warned == summary["warnings"]


def test_with_one_rater_the_merge_may_be_left_out_with_two_it_may_not(place, capsys):
    assert soften(place, raters=["A"], merge=None) == 0
    assert soften(place, merge=None, out="T.nii.gz") == 2
    assert "merge" in last_error(capsys)
    assert not (place / "T.nii.gz").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"merge": "average"}, "merge"),
        ({"method": "blur"}, "method"),
        ({"merge": "mean"}, "mean"),
        ({"flair": False}, "FLAIR"),
        ({"out": "S.txt"}, "S.txt"),
        ({"out": "nowhere/S.nii.gz"}, "folder"),
        ({"raters": ["A", "missing"]}, "missing.nii.gz"),
        ({"raters": ["F"], "merge": None}, "F.nii.gz"),
    ],
)
def test_a_wrong_request_ends_with_2_one_line_and_no_file(place, capsys, more, said):
    before = names(place)
    assert soften(place, **more) == 2
    error = last_error(capsys)
    assert error.startswith("error: ")
    assert said in error
    assert " — " in error
    assert str(place) not in error
    assert names(place) == before


@pytest.mark.parametrize("arguments", [["--gamma", "1.5"], ["--radius-mm", "0"], ["--flair-threshold", "nan"]])
def test_a_number_out_of_range_is_refused_by_name(place, capsys, arguments):
    assert soften(place, *arguments) == 2
    assert arguments[0][2:].replace("-", "_") in last_error(capsys)


def test_another_grid_is_refused_with_both_files_named(place, capsys):
    other = sitk.ReadImage(str(place / "B.nii.gz"))
    other.SetSpacing((0.9, 1.1, 2.9))
    sitk.WriteImage(other, str(place / "B.nii.gz"))
    assert soften(place) == 2
    error = last_error(capsys)
    assert "A.nii.gz" in error
    assert "B.nii.gz" in error


def test_an_existing_file_stays_unless_overwrite_is_said(place, capsys):
    assert soften(place, method="none") == 0
    before = (place / "S.nii.gz").read_bytes(), (place / "S.json").read_bytes()
    assert soften(place) == 2
    assert "S.nii.gz" in last_error(capsys)
    assert before == ((place / "S.nii.gz").read_bytes(), (place / "S.json").read_bytes())
    assert soften(place, "--overwrite") == 0
    assert json.loads((place / "S.json").read_text())["settings"]["method"] == "barilan"


@pytest.mark.parametrize("name", ["A", "F"])
def test_an_input_is_never_overwritten_even_by_another_name_of_it(place, capsys, name):
    before = (place / f"{name}.nii.gz").read_bytes()
    (place / "link.nii.gz").symlink_to(place / f"{name}.nii.gz")
    for out in (f"{name}.nii.gz", "link.nii.gz"):
        assert soften(place, "--overwrite", out=out) == 2
        assert "input" in last_error(capsys)
    assert (place / f"{name}.nii.gz").read_bytes() == before
    assert not (place / f"{name}.json").exists()


def test_somebody_elses_json_beside_the_target_is_never_overwritten(place, capsys):
    (place / "A.json").write_text('{"EchoTime": 0.1}')
    assert soften(place, "--overwrite", out="A.nrrd") == 2
    assert "A.json" in last_error(capsys)
    assert (place / "A.json").read_text() == '{"EchoTime": 0.1}'
    assert not (place / "A.nrrd").exists()


@pytest.mark.parametrize("fault", [OSError(28, "no space"), RuntimeError("bug"), KeyboardInterrupt()])
def test_when_writing_fails_the_old_files_stay_and_nothing_is_left_beside_them(place, monkeypatch, fault):
    assert soften(place, method="none") == 0
    before = {path: path.read_bytes() for path in place.iterdir()}

    def failing(*arguments):
        raise fault

    monkeypatch.setattr(softmask, "write_image", failing)
    assert soften(place, "--overwrite") == {OSError: 3, RuntimeError: 4, KeyboardInterrupt: 130}[type(fault)]
    assert {path: path.read_bytes() for path in place.iterdir()} == before


def test_when_the_image_cannot_be_put_in_place_the_sidecar_does_not_speak_of_it(place, monkeypatch):
    put = softmask.os.replace

    def failing(source, target):
        if str(target).endswith(".nii.gz") and target.parent == place:
            raise OSError(5, "input/output error")
        put(source, target)

    monkeypatch.setattr(softmask.os, "replace", failing)
    assert soften(place) == 3
    assert names(place) == ["A.nii.gz", "B.nii.gz", "F.nii.gz"]
    monkeypatch.setattr(softmask.os, "replace", put)
    assert soften(place, method="none") == 0
    before = {path: path.read_bytes() for path in place.iterdir()}
    monkeypatch.setattr(softmask.os, "replace", failing)
    assert soften(place, "--overwrite") == 3
    assert {path: path.read_bytes() for path in place.iterdir()} == before


def test_what_a_killed_run_left_does_not_stand_in_the_way_of_the_next_one(place):
    assert soften(place) == 0
    whole = {path.name: path.read_bytes() for path in place.iterdir()}
    # Killed before the image was in place: its sidecar is there, and the folder that it wrote into.
    (place / "S.nii.gz").unlink()
    left = place / f".S.nii.gz.partial-{mark_machine()}-999999999"
    left.mkdir()
    (left / "S.nii.gz").write_bytes(b"half")
    assert soften(place) == 0
    assert {path.name: path.read_bytes() for path in place.iterdir()} == whole


def test_the_sidecar_of_the_same_name_in_another_format_is_not_replaced(place):
    assert soften(place) == 0
    (place / "S.nii.gz").rename(place / "S.nrrd")
    before = (place / "S.json").read_bytes()
    assert soften(place) == 2
    assert (place / "S.json").read_bytes() == before
    assert not (place / "S.nii.gz").exists()


def test_another_run_that_finished_meanwhile_is_not_replaced(place, monkeypatch):
    write = softmask.write_image

    def late(soft, path):
        write(soft, path)
        shutil.copyfile(place / "A.nii.gz", place / "S.nii.gz")

    monkeypatch.setattr(softmask, "write_image", late)
    assert soften(place) == 2
    assert (place / "S.nii.gz").read_bytes() == (place / "A.nii.gz").read_bytes()


def test_the_same_request_gives_the_same_voxels_and_the_help_has_an_example(place, capsys):
    assert soften(place) == 0
    assert soften(place, out="T.nii.gz") == 0
    first, second = (sitk.GetArrayFromImage(sitk.ReadImage(str(place / f"{n}.nii.gz"))) for n in "ST")
    np.testing.assert_array_equal(first, second)
    capsys.readouterr()
    assert run_command(["softmask", "--help"]) == 0
    assert "Example: mssoftseg softmask" in capsys.readouterr().out


def test_one_raters_file_given_twice_and_another_image_as_flair_are_told(place, capsys):
    shutil.copyfile(place / "A.nii.gz", place / "C.nii.gz")
    (place / "F.nii.gz").rename(place / "T1_tse.nii.gz")
    arguments = ["softmask", "--rater", place / "A.nii.gz", "--rater", place / "C.nii.gz", "--merge", "soft-union"]
    arguments += ["--flair", place / "T1_tse.nii.gz", "--method", "barilan", "--out", place / "S.nii.gz"]
    assert run_command([str(each) for each in arguments]) == 0
    warnings = json.loads((place / "S.json").read_text())["warnings"]
    assert any("A.nii.gz (rater 1) and C.nii.gz (rater 2) are the same mask" in each for each in warnings)
    assert any("T1_tse.nii.gz is given as FLAIR" in each for each in warnings)
    assert "are the same mask" in capsys.readouterr().err
