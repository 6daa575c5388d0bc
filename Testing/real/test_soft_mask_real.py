"""Soft masks of a real exam: the shell hugs bright FLAIR, none of it lies in CSF, and its volume is what was measured.

CSF here is what all three images agree on: each image's brain voxels are cut into three classes by Otsu's thresholds, and CSF
is dark on T1, bright on T2 and dark (suppressed) on FLAIR. T1 and T2 alone would call old lesions CSF.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.image_file import read_image, read_mask
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask
from Testing.real.data import DATA, needs_data

pytestmark = needs_data
PATIENT = DATA / "mni" / "patient26"
LOOKS_AT_FLAIR = ("barilan", "kats", "voxelwise")


def array(image):
    return sitk.GetArrayFromImage(image)


def otsu_classes(values, inside):
    """0 outside, else 1, 2, 3 from dark to bright."""
    limits = sitk.OtsuMultipleThresholdsImageFilter()
    limits.SetNumberOfThresholds(2)
    limits.Execute(sitk.GetImageFromArray(values[inside][None]))
    return (1 + np.digitize(values, limits.GetThresholds())) * inside


@pytest.fixture(scope="module")
def exam():
    images = {name: read_image(PATIENT / f"{name}.nii.gz") for name in ("FLAIR", "T1", "T2")}
    flair = array(images["FLAIR"])
    classes = {name: otsu_classes(array(image), flair != 0) for name, image in images.items()}
    csf = (classes["T1"] == 1) & (classes["T2"] == 3) & (classes["FLAIR"] == 1)
    assert 20_000 < csf.sum() < 150_000, "tens of milliliters of fluid, or the test tests nothing"
    return images["FLAIR"], read_mask(PATIENT / "lesion_consensus.nii.gz"), csf


def shell_of(exam, **settings):
    flair, mask, _ = exam
    soft = make_soft_mask([mask], flair, SoftLabelSettings(**settings))
    return soft, (array(soft.image) > 0) & (array(mask) == 0)


def test_the_shell_of_the_thesis_is_as_tiny_as_was_measured(exam):
    soft, shell = shell_of(exam, method="barilan")
    assert soft.core_volume_ml == pytest.approx(8.227, abs=1e-3)
    assert soft.shell_voxels == shell.sum() == 147
    assert soft.soft_volume_ml == pytest.approx(8.227 + 147 * 0.5 / 1000, abs=1e-3)


@pytest.mark.parametrize(
    ("method", "low_ml", "high_ml"), [("barilan", 8.29, 8.31), ("kats", 9.04, 9.06), ("voxelwise", 8.45, 8.65)]
)
def test_soft_volumes_at_the_default_settings(exam, method, low_ml, high_ml):
    soft, _ = shell_of(exam, method=method)
    assert low_ml < soft.soft_volume_ml < high_ml
    assert soft.warnings == ()


@pytest.mark.parametrize("radius", [1.0, 3.0])
@pytest.mark.parametrize("method", LOOKS_AT_FLAIR)
def test_no_voxel_of_the_shell_lies_in_csf(exam, method, radius):
    _, shell = shell_of(exam, method=method, radius_mm=radius)
    assert shell.any()
    assert not np.any(shell & exam[2])


def test_smoothing_that_does_not_look_at_flair_does_reach_into_csf(exam):
    _, shell = shell_of(exam, method="gaussian")
    assert np.count_nonzero(shell & exam[2]) > 1000, "so the test above can fail"


@pytest.mark.parametrize("method", LOOKS_AT_FLAIR)
def test_the_shell_is_brighter_than_what_else_lies_as_close(exam, method):
    flair, mask, _ = exam
    soft, shell = shell_of(exam, method=method)
    ball = sitk.GetArrayFromImage(sitk.BinaryDilate(mask, (1, 1, 1), sitk.sitkBall)) > 0
    left_out = ball & (array(mask) == 0) & ~shell
    gray, weight = array(flair), array(soft.image)
    mean_of_shell = np.average(gray[shell], weights=weight[shell])
    assert mean_of_shell > gray[left_out].mean() + 10


def test_the_command_reports_the_same_volume(exam, tmp_path, capsys):
    out = tmp_path / "soft.nii.gz"
    files = ["--rater", str(PATIENT / "lesion_consensus.nii.gz"), "--flair", str(PATIENT / "FLAIR.nii.gz")]
    assert run_command(["softmask", *files, "--method", "barilan", "--out", str(out)]) == 0
    assert "soft volume 8.300 mL" in capsys.readouterr().out
    assert json.loads((tmp_path / "soft.json").read_text())["shell_voxels"] == 147
