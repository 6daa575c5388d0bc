"""``mssoftseg synthesize``: files that can be looked at, replayed by the seed, measured against real exams."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from PIL import Image

from MSSoftSegLib.cli import synthesize_command
from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.training.synthesis.realism import histogram_distance, measure_look
from Testing.MSSoftSegLib.training.tiny_data import write_tiny_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tiny_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(synthesize_command, "SHAPE", (48, 64, 48))


def read(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_patients_gallery_and_draws_are_written_and_the_seed_replays_them(data, tmp_path):
    arguments = ["synthesize", "--data", str(data), "--count", "2", "--seed", "5"]
    assert run_command([*arguments, "--gallery", "--out", str(tmp_path / "first")]) == 0
    assert run_command([*arguments, "--out", str(tmp_path / "again")]) == 0
    for number in (0, 1):
        first, again = (tmp_path / name / f"patient-{number:03}" for name in ("first", "again"))
        np.testing.assert_array_equal(read(first / "FLAIR.nii.gz"), read(again / "FLAIR.nii.gz"))
        label = read(first / "label.nii.gz")
        assert label.min() >= 0
        assert 0.5 < label.max() <= 1
        assert json.loads((first / "draws.json").read_text())["place.size"] > 0.9
    with Image.open(tmp_path / "first" / "gallery.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 10
    assert not (tmp_path / "again" / "gallery.png").exists()
    assert run_command([*arguments, "--count", "1", "--overwrite", "--out", str(tmp_path / "first")]) == 0
    assert not (tmp_path / "first" / "patient-001").exists()


def test_a_comparison_names_every_measure_of_both(data, tmp_path):
    assert run_command(["synthesize", "--data", str(data), "--count", "1", "--out", str(tmp_path / "exam")]) == 0
    exam = tmp_path / "real"
    exam.mkdir()
    drawn = sitk.ReadImage(str(tmp_path / "exam" / "patient-000" / "FLAIR.nii.gz"))
    sitk.WriteImage(sitk.ConstantPad(drawn, [20] * 3, [20] * 3), str(exam / "FLAIR.nii.gz"))
    arguments = ["synthesize", "--data", str(data), "--count", "2", "--compare", str(exam)]
    assert run_command([*arguments, "--out", str(tmp_path / "compared")]) == 0
    table = (tmp_path / "compared" / "realism.md").read_text(encoding="utf-8")
    for measure in ("sharpness", "across", "tail_99", "median histogram distance"):
        assert f"| FLAIR | {measure} |" in table


def test_data_without_masks_are_refused_and_leave_nothing(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    code = run_command(["synthesize", "--data", str(tmp_path / "empty"), "--out", str(tmp_path / "out")])
    assert code == 2
    assert "no lesion masks" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_blur_lowers_sharpness_and_thick_slices_lower_it_across_only():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((40, 40, 40)).astype(np.float32) + 5
    plain = measure_look(noise)
    thick = torch.nn.functional.interpolate(torch.from_numpy(noise)[None, None, ::3], size=noise.shape)[0, 0].numpy()
    assert measure_look(thick).across < 0.9 * plain.across
    assert measure_look(thick).beside == pytest.approx(plain.beside, rel=0.1)
    # Second differences of white noise have a variance of 1 + 4 + 1; the Laplacian's is 36 + 6.
    assert plain.beside == pytest.approx(np.sqrt(6), rel=0.05)
    assert plain.sharpness == pytest.approx(np.sqrt(42), rel=0.05)


def test_the_distance_of_shifted_histograms_is_the_shift():
    values = np.random.default_rng(1).standard_normal((20, 20, 20)) + 10
    assert histogram_distance(values, values) == 0
    assert histogram_distance(values, values + 0.7) == pytest.approx(0.7, abs=1e-6)
