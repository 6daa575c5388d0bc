"""Brain extraction by HD-BET (Isensee et al. 2019, Human Brain Mapping 40:4952), run in its own environment.

HD-BET's packages cannot live beside ours, so its network runs in another interpreter. Image and mask are
exchanged as files in a private temporary folder; they carry voxels and geometry, no name and no DICOM header.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, EnvironmentLack, JobFailed
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import (
    HdBetEnvironment,
    find_configured_hd_bet,
    require_interpreter,
)
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_process import (
    ISOLATED,
    find_last_useful_line,
    is_never_cancelled,
    run_watched,
)
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_weights import is_recorded, record_weights, require_weights

RUNNER = Path(__file__).with_name("hd_bet_runner.py")

# The order of the MNI152 template: the network then sees every head alike, however its file was stored.
NETWORK_ORIENTATION = "LAS"

_REMEDY = "check HD-BET with `mssoftseg doctor`, or choose --brain atlas"


def extract_brain_with_hd_bet(
    image: sitk.Image,
    *,
    environment: HdBetEnvironment | None = None,
    device: str = "cpu",
    use_tta: bool = False,
    cancelled: Callable[[], bool] = is_never_cancelled,
) -> sitk.Image:
    """The brain as uint8, 1 = brain, on exactly the grid of the image; all 0 where HD-BET finds none.

    image: three-dimensional, one contrast (T1, T2 or FLAIR), with its skull, of any orientation and spacing.
    environment: the configured one by default. device: cpu, cuda, cuda:1, mps. use_tta: average over
    mirrored images, 8 times slower. cancelled is asked ten times a second; when it says so, the processes are
    killed and JobCancelled is raised.
    """
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise BadImage("HD-BET needs one three-dimensional contrast", remedy="choose one volume of the series")
    environment = environment or find_configured_hd_bet()
    interpreter = require_interpreter(environment)
    sha256 = require_weights(environment)
    # Rebuilt from its voxels, so that no header entry of the source is written.
    bare = Grid.of(image).image(voxels(image).astype(np.float32))
    oriented = sitk.DICOMOrient(bare, NETWORK_ORIENTATION)
    with tempfile.TemporaryDirectory(prefix="mssoftseg-hd-bet-") as folder:
        image_file, mask_file = Path(folder, "image.nii"), Path(folder, "mask.nii")
        sitk.WriteImage(oriented, str(image_file))
        command = [str(interpreter), *ISOLATED, str(RUNNER), "--weights", str(environment.weights_folder)]
        command += ["--sha256", sha256, "--image", str(image_file), "--mask", str(mask_file)]
        command += ["--device", device, "--end-with-stdin", *(["--tta"] if use_tta else [])]
        _run(command, mask_file, cancelled=cancelled)
        mask = _read_mask(mask_file, Grid.of(oriented))
    if not is_recorded(environment.weights_folder):
        record_weights(environment.weights_folder, sha256)
    # The two lattices are one, stored in another order: nearest neighbor copies voxels.
    return sitk.Resample(mask, Grid.of(image).reference(), sitk.Transform(), sitk.sitkNearestNeighbor, 0)


def find_hd_bet_lack(environment: HdBetEnvironment | None = None) -> EnvironmentLack | None:
    """What is missing for HD-BET to run, with the remedy; None when it can run."""
    environment = environment or find_configured_hd_bet()
    try:
        require_interpreter(environment)
        require_weights(environment)
    except EnvironmentLack as lack:
        return lack
    return None


def is_hd_bet_installed(environment: HdBetEnvironment | None = None) -> bool:
    """Whether HD-BET's environment is complete and its weights are there and unchanged."""
    return find_hd_bet_lack(environment) is None


def _run(command: list[str], mask_file: Path, *, cancelled: Callable[[], bool]) -> None:
    finished = run_watched(command, cancelled=cancelled)
    if finished.exit_code != 0:
        raise JobFailed(f"HD-BET failed: {find_last_useful_line(finished)}", remedy=_REMEDY)
    if not mask_file.is_file():
        raise JobFailed("HD-BET ended without a brain mask", remedy=_REMEDY)


def _read_mask(mask_file: Path, grid: Grid) -> sitk.Image:
    """The mask on the grid that was sent: its own header went through 32-bit floats."""
    mask = voxels(sitk.ReadImage(str(mask_file)))
    if mask.shape != grid.size[::-1]:
        raise JobFailed("HD-BET's brain mask does not fit the image", remedy=_REMEDY)
    return grid.image((mask > 0).astype(np.uint8))
