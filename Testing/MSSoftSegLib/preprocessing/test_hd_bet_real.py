"""The real HD-BET, in its own environment, with a tiny network instead of its own large one."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import JobFailed
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet import RUNNER, extract_brain_with_hd_bet
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import HdBetEnvironment, name_interpreter
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_install import check_hd_bet
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_weights import CHECKPOINT_FILE, compute_sha256

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
SPACING_MM = (1.5, 1.0, 3.0)  # x, y, z; the networks below were "trained" on it, so that nothing is resampled


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """The interpreter of HD-BET's environment. Where it must be there its absence is a failure."""
    python = name_interpreter(REPOSITORY / ".venv-hd-bet")
    if python.is_file():
        return python
    reason = "HD-BET's environment is absent; make it with `make .venv-hd-bet/complete`"
    if os.environ.get("CI", "").lower() not in ("", "0", "false") or os.environ.get("MSSOFTSEG_TEST_HD_BET") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def models(interpreter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `random` and `bright` with models in HD-BET's own format."""
    folder = tmp_path_factory.mktemp("models")
    spacing = ",".join(str(value) for value in SPACING_MM[::-1])
    command = [str(interpreter), "-I", str(HERE / "hd_bet_model_folder.py"), str(folder), spacing]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder


def environment_with(interpreter: Path, weights: Path) -> HdBetEnvironment:
    return HdBetEnvironment(interpreter, weights, accepted_sha256=compute_sha256(weights / CHECKPOINT_FILE))


def test_the_environment_holds_hd_bet_2_and_nnunet_2(interpreter: Path) -> None:
    versions = check_hd_bet(interpreter)
    assert versions["hd-bet"].startswith("2.")
    assert versions["nnunetv2"].startswith("2.")


def test_the_mask_of_an_oblique_anisotropic_image_is_its_bright_block_on_its_own_grid(
    interpreter: Path, models: Path
) -> None:
    array = np.random.default_rng(3).uniform(1, 2, size=(20, 30, 28)).astype(np.float32)
    array[5:12, 8:25, 6:15] = 50  # well above the mean of the whole, about 5.9
    turn = sitk.Euler3DTransform((0, 0, 0), 0.3, -0.2, 0.15)
    upright = Grid((28, 30, 20), SPACING_MM, (10, -20, 30), turn.GetMatrix()).image(array)
    image = sitk.DICOMOrient(upright, "PIR")  # stored sagittally
    mask = extract_brain_with_hd_bet(image, environment=environment_with(interpreter, models / "bright"))
    assert Grid.of(mask) == Grid.of(image)
    assert mask.GetPixelID() == sitk.sitkUInt8
    found = sitk.GetArrayFromImage(mask)
    np.testing.assert_array_equal(found, sitk.GetArrayFromImage(image) > 25)
    assert found.sum() == 7 * 17 * 9


def test_the_mask_is_the_one_that_hd_bet_itself_makes_of_a_file(
    interpreter: Path, models: Path, tmp_path: Path
) -> None:
    """A network with random weights, several tiles and resampling; the file has the order of the MNI template."""
    noise = np.random.default_rng(11).normal(size=(18, 44, 40)).astype(np.float32)
    smooth = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(noise), 1.5)
    upright = Grid((40, 44, 18), (1.1, 0.9, 2.5), (5, 6, 7), tuple(np.eye(3).ravel()))
    image = sitk.DICOMOrient(upright.image(1000 * sitk.GetArrayFromImage(smooth)), "LAS")
    mask = extract_brain_with_hd_bet(image, environment=environment_with(interpreter, models / "random"))

    image_file, mask_file = tmp_path / "image.nii.gz", tmp_path / "mask.nii.gz"
    sitk.WriteImage(image, str(image_file))
    command = [str(interpreter), "-I", str(HERE / "hd_bet_reference.py"), str(models / "random")]
    subprocess.run([*command, str(image_file), str(mask_file)], check=True, capture_output=True)
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(mask_file)))
    assert 0.05 < expected.mean() < 0.95
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), expected)


def test_a_checkpoint_that_changed_after_the_check_is_refused_by_the_process_itself(
    interpreter: Path, models: Path, tmp_path: Path
) -> None:
    image_file = tmp_path / "image.nii"
    sitk.WriteImage(sitk.Image((16, 16, 16), sitk.sitkFloat32), str(image_file))
    command = [str(interpreter), "-I", str(RUNNER), "--weights", str(models / "bright"), "--sha256", "00" * 32]
    command += ["--image", str(image_file), "--mask", str(tmp_path / "mask.nii")]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    last = finished.stderr.strip().splitlines()[-1]
    assert last == "hd-bet: the checkpoint is not the one whose checksum was accepted"
    assert not (tmp_path / "mask.nii").exists()


def test_a_device_that_is_not_there_is_a_failure_that_names_it(interpreter: Path, models: Path) -> None:
    image = sitk.Image((16, 16, 16), sitk.sitkFloat32)
    with pytest.raises(JobFailed, match="sees no device cuda:97"):
        extract_brain_with_hd_bet(image, environment=environment_with(interpreter, models / "bright"), device="cuda:97")
