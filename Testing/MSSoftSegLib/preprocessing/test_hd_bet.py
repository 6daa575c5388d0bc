"""Brain extraction by HD-BET, with a stand-in for its interpreter that takes every bright voxel for brain."""

import hashlib
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, JobCancelled, JobFailed, PackageMissing, WeightsMissing
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet import (
    extract_brain_with_hd_bet,
    find_hd_bet_lack,
    is_hd_bet_installed,
)
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import HdBetEnvironment
from Testing.MSSoftSegLib.preprocessing.hd_bet_fakes import READ_OPTIONS, fake_environment
from Testing.processes import ends

BRIGHT_IS_BRAIN = (
    READ_OPTIONS
    + """
import SimpleITK as sitk
sitk.WriteImage(sitk.ReadImage(option["--image"]) > 100, option["--mask"])
"""
)


def oblique_image(orientation: str = "LPS") -> sitk.Image:
    """An image with an asymmetric bright block, on an anisotropic grid turned by about all three axes."""
    array = np.random.default_rng(7).uniform(0, 90, size=(6, 9, 11)).astype(np.float32)
    array[1:3, 2:7, 5:9] = 200
    turn = sitk.Euler3DTransform((0, 0, 0), 0.2, -0.3, 0.25)
    grid = Grid((11, 9, 6), (0.7, 1.3, 3.1), (-12.5, 40.25, 7.75), turn.GetMatrix())
    return sitk.DICOMOrient(grid.image(array), orientation)


@pytest.mark.parametrize("orientation", ["LPS", "LAS", "RAI", "PIR", "SAL", "ASR"])
def test_the_mask_lies_voxel_by_voxel_on_the_grid_of_an_oblique_image_of_any_orientation(
    tmp_path: Path, orientation: str
) -> None:
    image = oblique_image(orientation)
    mask = extract_brain_with_hd_bet(image, environment=fake_environment(tmp_path, BRIGHT_IS_BRAIN))
    assert mask.GetPixelID() == sitk.sitkUInt8
    assert Grid.of(mask) == Grid.of(image)
    expected = sitk.GetArrayFromImage(image) > 100
    assert expected.sum() == 2 * 5 * 4
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), expected)


@pytest.mark.parametrize("orientation", ["LPS", "RAI", "SAL"])
def test_the_network_sees_every_head_in_the_order_of_the_mni_template(tmp_path: Path, orientation: str) -> None:
    report = tmp_path / "orientation"
    body = (
        BRIGHT_IS_BRAIN
        + f"""
direction = sitk.ReadImage(option["--image"]).GetDirection()
letters = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(direction)
open({str(report)!r}, "w").write(letters)
"""
    )
    extract_brain_with_hd_bet(oblique_image(orientation), environment=fake_environment(tmp_path, body))
    assert report.read_text() == "LAS"


def test_device_and_test_time_augmentation_are_passed_on(tmp_path: Path) -> None:
    report = tmp_path / "arguments"
    environment = fake_environment(
        tmp_path, BRIGHT_IS_BRAIN + f"import json; json.dump(sys.argv, open({str(report)!r}, 'w'))"
    )
    extract_brain_with_hd_bet(oblique_image(), environment=environment, device="cuda:1", use_tta=True)
    with_tta = json.loads(report.read_text())
    extract_brain_with_hd_bet(oblique_image(), environment=environment)
    without_tta = json.loads(report.read_text())
    assert with_tta[with_tta.index("--device") + 1] == "cuda:1"
    assert "--tta" in with_tta
    assert without_tta[without_tta.index("--device") + 1] == "cpu"
    assert "--tta" not in without_tta
    assert with_tta[1:4] == ["-I", "-X", "utf8"]


def test_the_exchanged_file_carries_no_header_entry_of_the_source(tmp_path: Path) -> None:
    image = oblique_image()
    image.SetMetaData("ITK_FileNotes", "Doe^Jane")
    leaking = tmp_path / "leaking.nii"
    sitk.WriteImage(image, str(leaking))
    assert b"Doe^Jane" in leaking.read_bytes()  # what would happen without care
    copy = tmp_path / "copy"
    body = BRIGHT_IS_BRAIN + f"import shutil; shutil.copy(option['--image'], {str(copy)!r})"
    extract_brain_with_hd_bet(image, environment=fake_environment(tmp_path, body))
    assert b"Doe^Jane" not in copy.read_bytes()


def test_the_exchange_folder_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    report = tmp_path / "folder"
    body = (
        BRIGHT_IS_BRAIN
        + f"""
import json, os
folder = os.path.dirname(option["--image"])
json.dump([folder, os.stat(folder).st_mode], open({str(report)!r}, "w"))
"""
    )
    extract_brain_with_hd_bet(oblique_image(), environment=fake_environment(tmp_path, body))
    folder, mode = json.loads(report.read_text())
    assert stat.S_IMODE(mode) == 0o700
    assert not Path(folder).exists()


def test_what_hd_bet_prints_never_reaches_our_own_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    body = "import sys\nprint('cite us')\nprint('a warning', file=sys.stderr)\n" + BRIGHT_IS_BRAIN
    extract_brain_with_hd_bet(oblique_image(), environment=fake_environment(tmp_path, body))
    assert capfd.readouterr() == ("", "")


def test_a_failure_says_the_runners_own_line_and_not_what_was_printed_after_it(tmp_path: Path) -> None:
    body = "import sys\nprint('hd-bet: it sees no device cuda', file=sys.stderr)\nprint('bye')\nsys.exit(1)"
    with pytest.raises(JobFailed) as raised:
        extract_brain_with_hd_bet(oblique_image(), environment=fake_environment(tmp_path, body))
    assert raised.value.message == "HD-BET failed: it sees no device cuda"
    assert "--brain atlas" in raised.value.remedy


def test_a_failure_names_no_folder(tmp_path: Path) -> None:
    body = "raise SystemExit(\"OSError: [Errno 5] '/data/Doe Jane/scans/t1.nii' and /data/Doe/x.json broke\")"
    with pytest.raises(JobFailed) as raised:
        extract_brain_with_hd_bet(oblique_image(), environment=fake_environment(tmp_path, body))
    assert raised.value.message == "HD-BET failed: OSError: [Errno 5] 't1.nii' and x.json broke"


def test_a_process_ended_by_the_system_is_a_failure_that_says_so(tmp_path: Path) -> None:
    body = "import os\nprint('loading')\nos.kill(os.getpid(), 9)"
    with pytest.raises(JobFailed, match="ended by signal 9"):
        extract_brain_with_hd_bet(oblique_image(), environment=fake_environment(tmp_path, body))


def test_success_without_a_mask_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="without a brain mask"):
        extract_brain_with_hd_bet(oblique_image(), environment=fake_environment(tmp_path, "pass"))


def test_a_mask_of_another_size_is_a_failure(tmp_path: Path) -> None:
    body = BRIGHT_IS_BRAIN.replace('"]) > 100', '"])[1:] > 100')
    with pytest.raises(JobFailed, match="does not fit"):
        extract_brain_with_hd_bet(oblique_image(), environment=fake_environment(tmp_path, body))


class UserInterrupt(BaseException):
    """What a caller may raise while it waits."""


@pytest.mark.parametrize(("signal", "expected"), [(True, JobCancelled), (UserInterrupt(), UserInterrupt)])
def test_cancelling_kills_the_process_and_its_children(
    tmp_path: Path, signal: bool | BaseException, expected: type[BaseException]
) -> None:
    report = tmp_path / "processes"
    body = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(86400)"])
open({str(report)!r} + ".new", "w").write(f"{{os.getpid()}} {{child.pid}} {{' '.join(sys.argv)}}")
os.rename({str(report)!r} + ".new", {str(report)!r})
time.sleep(86400)
"""

    def cancelled() -> bool:
        if report.exists() and isinstance(signal, BaseException):
            raise signal
        return report.exists()

    with pytest.raises(expected):
        extract_brain_with_hd_bet(oblique_image(), environment=fake_environment(tmp_path, body), cancelled=cancelled)
    parent, child, *arguments = report.read_text().split(" ")
    assert ends(int(parent))
    assert ends(int(child))
    assert not Path(arguments[arguments.index("--image") + 1]).parent.exists()


@pytest.mark.parametrize(
    "image", [sitk.Image(4, 4, sitk.sitkFloat32), sitk.Image((4, 4, 4), sitk.sitkVectorFloat32, 2)]
)
def test_what_is_not_one_three_dimensional_contrast_is_refused(tmp_path: Path, image: sitk.Image) -> None:
    with pytest.raises(BadImage):
        extract_brain_with_hd_bet(image, environment=fake_environment(tmp_path, BRIGHT_IS_BRAIN))


def test_without_the_environment_the_error_names_the_one_command(tmp_path: Path) -> None:
    environment = fake_environment(tmp_path, BRIGHT_IS_BRAIN)
    absent = HdBetEnvironment(
        interpreter=tmp_path / "elsewhere" / "bin" / "python",
        weights_folder=environment.weights_folder,
        completion_marker=tmp_path / "elsewhere" / "mssoftseg-hd-bet.json",
        accepted_sha256=environment.accepted_sha256,
    )
    with pytest.raises(PackageMissing, match="is not installed") as raised:
        extract_brain_with_hd_bet(oblique_image(), environment=absent)
    assert "`mssoftseg doctor --install-hd-bet`" in raised.value.remedy
    assert not is_hd_bet_installed(absent)


def test_a_refused_checkpoint_stops_before_any_process_starts(tmp_path: Path) -> None:
    trace = tmp_path / "started"
    environment = fake_environment(tmp_path, f"open({str(trace)!r}, 'w')")
    (environment.weights_folder / "fold_all" / "checkpoint_final.pth").write_bytes(b"another file")
    with pytest.raises(WeightsMissing, match="SHA-256"):
        extract_brain_with_hd_bet(oblique_image(), environment=environment)
    assert not trace.exists()


def test_the_first_use_writes_the_checksum_down_and_a_later_change_is_refused(tmp_path: Path) -> None:
    environment = replace(fake_environment(tmp_path, BRIGHT_IS_BRAIN), accepted_sha256=None)
    assert is_hd_bet_installed(environment)
    extract_brain_with_hd_bet(oblique_image(), environment=environment)
    checkpoint = environment.weights_folder / "fold_all" / "checkpoint_final.pth"
    assert (tmp_path / "weights.sha256").read_text().strip() == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    checkpoint.write_bytes(b"another file")
    with pytest.raises(WeightsMissing, match="was changed"):
        extract_brain_with_hd_bet(oblique_image(), environment=environment)
    assert not is_hd_bet_installed(environment)


def test_hd_bet_counts_as_installed_only_when_it_could_run(tmp_path: Path) -> None:
    environment = fake_environment(tmp_path, BRIGHT_IS_BRAIN)
    assert is_hd_bet_installed(environment)
    os.remove(environment.weights_folder / "plans.json")
    assert not is_hd_bet_installed(environment)
    lack = find_hd_bet_lack(environment)
    assert isinstance(lack, WeightsMissing)
    assert "plans.json" in lack.message
