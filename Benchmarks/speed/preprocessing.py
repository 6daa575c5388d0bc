"""(b) Alignment and bias correction of T1 beside SimpleITK's registration and N4, and beside ANTs.

    python -m venv ANTS && ANTS/bin/pip install antspyx        # none of it is needed by the product
    python Benchmarks/speed/preprocessing.py [--ants ANTS/bin/python] [--rounds 3]

A digital patient, whose motion and bias field are known: how far each alignment is from the truth, and how uneven white matter
is left. One thread each, processor seconds, in turns. Brain extraction beside HD-BET: brain_extraction.py.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from machine import described
from results import keep

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.digital_patient import make_digital_patient
from MSSoftSegLib.preprocessing.alignment import align_rigidly
from MSSoftSegLib.preprocessing.bias_correction import correct_bias

OURS, SIMPLEITK, ANTS = "ours", "SimpleITK", "ANTs"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}


@dataclass(frozen=True)
class Scans:
    """FLAIR stays, T1 moved; the brain on T1's grid, and where FLAIR's points lie in T1 in truth."""

    fixed: sitk.Image
    moving: sitk.Image
    brain: np.ndarray
    truth: sitk.Transform
    points: np.ndarray


def scans(seed: int) -> Scans:
    """A digital patient's FLAIR and T1."""
    patient = make_digital_patient(seed=seed)
    fixed, moving = (
        sitk.Cast(patient.exam.image(modality), sitk.sitkFloat32) for modality in (Modality.FLAIR, Modality.T1)
    )
    truth = patient.source_from_target(Modality.T1, Modality.FLAIR)
    on_t1 = sitk.Resample(patient.brain_mask, moving, truth.GetInverse(), sitk.sitkNearestNeighbor)
    inside = np.argwhere(voxels(patient.brain_mask) != 0)[::500, ::-1]
    points = np.array([fixed.TransformContinuousIndexToPhysicalPoint(index.tolist()) for index in inside.astype(float)])
    return Scans(fixed, moving, voxels(on_t1) != 0, truth, points)


def by_simpleitk(fixed: sitk.Image, moving: sitk.Image) -> sitk.Transform:
    """The rigid registration of SimpleITK's own examples: Mattes mutual information, a tenth of the voxels, three levels.

    Of its optimizers the one with regular steps: plain gradient descent stops where it starts here (5.0 mm off), with a line
    search it arrives as well and takes nine times as long.
    """
    start = sitk.CenteredTransformInitializer(
        fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.MOMENTS
    )
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=50)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.1, seed=1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(learningRate=2.0, minStep=1e-3, numberOfIterations=200)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start)
    return method.Execute(fixed, moving)


def n4_of_simpleitk(image: sitk.Image) -> np.ndarray:
    """N4 with its own settings inside Otsu's mask at a quarter of the resolution: the corrected image."""
    mask = sitk.OtsuThreshold(image, 0, 1)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.Execute(sitk.Shrink(image, [4] * 3), sitk.Shrink(mask, [4] * 3))
    return np.asarray(voxels(image) / np.exp(voxels(n4.GetLogBiasFieldAsImage(image))))


class AntsPeer:
    """ANTs in its own environment."""

    def __init__(self, python: str, given: Scans, folder: Path) -> None:
        self._folder = folder
        for name, image in (("fixed", given.fixed), ("moving", given.moving)):
            sitk.WriteImage(image, str(folder / f"{name}.nii"))
        command = [python, str(Path(__file__).with_name("ants_peer.py")), str(folder / "fixed.nii")]
        self._process = subprocess.Popen(
            [*command, str(folder / "moving.nii"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ONE_THREAD},
        )
        self._answer()

    def seconds_of(self, task: str) -> float:
        """Processor seconds of ``register`` or ``n4``."""
        assert self._process.stdin is not None
        self._process.stdin.write(task + "\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def transform(self) -> sitk.Transform:
        """What it found; ANTs' files are ITK's."""
        return sitk.ReadTransform(str(self._folder / "ants.mat"))

    def corrected(self, image: sitk.Image) -> np.ndarray:
        """The image divided by its field."""
        return np.asarray(voxels(image) / voxels(sitk.ReadImage(str(self._folder / "ants_field.nii.gz"))))

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("antspyx did not answer: see its message above")
        return line


def off_mm(found: sitk.Transform, given: Scans) -> float:
    """Mean distance from the truth over the brain."""
    moved, truth = (np.array([t.TransformPoint(point) for point in given.points]) for t in (found, given.truth))
    return float(np.linalg.norm(moved - truth, axis=1).mean())


def unevenness(image: np.ndarray, given: Scans) -> float:
    """Coefficient of variation of the brighter half of T1's brain: white matter, where no bias is left a narrow band."""
    inside = image[given.brain]
    bright = inside[inside > np.median(inside)]
    return float(bright.std() / bright.mean())


def in_turns(tasks: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Median processor seconds of each, a round after the other."""
    spent: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            spent[name].append(task())
    return {name: statistics.median(times) for name, times in spent.items()}


def timed(task: Callable[[], object], into: dict[str, object], name: str) -> Callable[[], float]:
    """The task as its processor seconds; what it returns is kept."""

    def run() -> float:
        started = time.process_time()
        into[name] = task()
        return time.process_time() - started

    return run


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ants", help="a Python that has antspyx")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1, help="of the digital patient")
    asked = parser.parse_args()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    given = scans(asked.seed)
    moved: dict[str, object] = {}
    corrected: dict[str, object] = {}
    align = {
        OURS: timed(lambda: align_rigidly(given.moving, given.fixed).moving_from_fixed, moved, OURS),
        SIMPLEITK: timed(lambda: by_simpleitk(given.fixed, given.moving), moved, SIMPLEITK),
    }
    correct = {
        OURS: timed(lambda: voxels(correct_bias(given.moving).image), corrected, OURS),
        SIMPLEITK: timed(lambda: n4_of_simpleitk(given.moving), corrected, SIMPLEITK),
    }
    with tempfile.TemporaryDirectory() as folder:
        peer = AntsPeer(asked.ants, given, Path(folder)) if asked.ants else None
        if peer is not None:
            align[ANTS] = lambda: peer.seconds_of("register")
            correct[ANTS] = lambda: peer.seconds_of("n4")
        align_s, correct_s = in_turns(align, asked.rounds), in_turns(correct, asked.rounds)
        if peer is not None:
            moved[ANTS], corrected[ANTS] = peer.transform(), peer.corrected(given.moving)
            peer.close()
    measured = {
        "rounds": asked.rounds,
        "alignment_s": align_s,
        "off_mm": {name: off_mm(found, given) for name, found in moved.items()}
        | {"headers alone": off_mm(sitk.Transform(3, sitk.sitkIdentity), given)},
        "bias_s": correct_s,
        "unevenness": {name: unevenness(image, given) for name, image in corrected.items()}
        | {"as scanned": unevenness(voxels(given.moving), given)},
        "machine": described(),
    }
    keep("preprocessing", measured)
    for name, value in measured.items():
        sys.stdout.write(f"{name}: {value}\n")


if __name__ == "__main__":
    os.environ.update(ONE_THREAD)
    main()
