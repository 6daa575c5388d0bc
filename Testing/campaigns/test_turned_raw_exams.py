"""A raw exam answers the same however its files are stored: the whole way, with registration, atlas and the model that ships.

Real exams; FLAIR, T1 and T2 each in an axis order and a file format of its own, or all three turned and moved together in the
scanner's space. The answer must lie on FLAIR's own grid and be the unturned one, voxel by voxel: an answer that is moved by
one voxel, or mirrored, is shown to fail the same comparison.
"""

from __future__ import annotations

import csv
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.evaluation.overlap import dice
from Testing.campaigns.record import CAMPAIGN, record
from Testing.campaigns.test_random_geometry import ORDERS, same_place
from Testing.real.data import DATA, needs_data

pytestmark = [needs_data, pytest.mark.skipif(not CAMPAIGN, reason="make campaigns: a minute a segmentation")]
EXAMS = ("patient03_study2", "patient12_study1")
STORED, MOVED = 4, 2
NAMES = ("FLAIR", "T1", "T2")
FORMATS = (".nii.gz", ".nii", ".nrrd", ".mha")
# Stored otherwise, nothing but the last digits of headers is another. Of a head that lies otherwise in the scanner the voxels are
# the same too, but smoothing and the atlas begin along the scanner's axes. Moved by one voxel an answer has 0.86 at most.
AGREEMENT = {"stored": 0.98, "moved": 0.92}


@dataclass(frozen=True)
class Answer:
    """Maps in FLAIR's order of the exam as it came, (z, y, x); each lesion's volume in mm³, largest first."""

    probability: np.ndarray
    mask: np.ndarray
    volumes_mm3: list[float]


def segmented(files: dict[str, Path], out: Path) -> Answer:
    words = [word for name, path in files.items() for word in (f"--{name.lower()}", str(path))]
    options = ["--brain", "atlas", "--tta", "none", "--device", "cpu", "--no-cache", "--no-keep-working"]
    assert run_command(["segment", *words, *options, "--out", str(out)]) == 0
    for stem in ("probability", "entropy", "mask", "instances"):
        assert same_place(out / f"lesion_{stem}.nii.gz", files["FLAIR"]), stem
    original = sitk.ReadImage(str(files["FLAIR"]))
    with (out / "lesions.csv").open(encoding="utf-8", newline="") as file:
        volumes = sorted((float(row["volume_mm3"]) for row in csv.DictReader(file)), reverse=True)
    probability, mask = (
        sitk.GetArrayFromImage(sitk.DICOMOrient(sitk.ReadImage(str(out / f"lesion_{stem}.nii.gz")), "LPS"))
        for stem in ("probability", "mask")
    )
    assert original.GetNumberOfPixels() == mask.size
    return Answer(probability, mask, volumes)


def agreement(one: Answer, other: Answer) -> tuple[float, float]:
    """Dice of the masks, and the share of the probabilities that both have: 1 for the same map, 0 for maps that never meet."""
    common = np.minimum(one.probability, other.probability).sum(dtype=float)
    both = one.probability.sum(dtype=float) + other.probability.sum(dtype=float)
    return dice(one.mask > 0, other.mask > 0) or 0.0, 2 * common / both


def displaced(answer: Answer) -> list[Answer]:
    """The answer one voxel further along each axis, and mirrored about each."""
    changes = [lambda a, n=n: np.roll(a, 1, n) for n in range(3)] + [lambda a, n=n: np.flip(a, n) for n in range(3)]
    return [Answer(change(answer.probability), change(answer.mask), answer.volumes_mm3) for change in changes]


def stored_otherwise(exam: str, folder: Path, draw: random.Random) -> dict[str, Path]:
    """Each image in an order and a format of its own."""
    files = {}
    for name, letters in zip(NAMES, draw.sample(ORDERS, len(NAMES)), strict=True):
        image = sitk.DICOMOrient(sitk.ReadImage(str(DATA / "raw" / exam / f"{name}.nii.gz")), letters)
        files[name] = folder / f"{name}{draw.choice(FORMATS)}"
        sitk.WriteImage(image, str(files[name]))
    return files


def moved(exam: str, folder: Path, draw: random.Random) -> dict[str, Path]:
    """The patient lies otherwise in the scanner, and all three images show it."""
    turn = Rotation.from_euler("xyz", [draw.uniform(-12, 12) for _ in range(3)], degrees=True).as_matrix()
    shift = np.array([draw.uniform(-60, 60) for _ in range(3)])
    files = {}
    for name in NAMES:
        image = sitk.ReadImage(str(DATA / "raw" / exam / f"{name}.nii.gz"))
        image.SetDirection((turn @ np.reshape(image.GetDirection(), (3, 3))).ravel().tolist())
        image.SetOrigin((turn @ image.GetOrigin() + shift).tolist())
        files[name] = folder / f"{name}.nii.gz"
        sitk.WriteImage(image, str(files[name]))
    return files


WAYS = {"stored": (stored_otherwise, STORED), "moved": (moved, MOVED)}


@pytest.mark.parametrize("exam", EXAMS)
def test_a_raw_exam_gives_the_same_answer_however_it_is_stored(tmp_path, exam):
    plain = segmented({name: DATA / "raw" / exam / f"{name}.nii.gz" for name in NAMES}, tmp_path / "plain")
    assert plain.mask.any()
    for way, (make, count) in WAYS.items():
        needed = AGREEMENT[way]
        # What is moved by a voxel, or mirrored, would be told.
        told = [agreement(plain, wrong) for wrong in displaced(plain)]

        assert all(min(each) < needed - 0.02 for each in told), told
        scores = []
        for number in range(count):
            folder = tmp_path / f"{way}{number}"
            folder.mkdir()
            answer = segmented(make(exam, folder, random.Random(f"{exam} {way} {number}")), folder / "out")
            scores.append(agreement(plain, answer))
            shutil.rmtree(folder)
        record(
            f"geometry: raw, {exam}, {way}",
            {
                "segmentations": count,
                "wrong side or shifted": sum(bool(min(each) < needed) for each in scores),
                "mask Dice at least, thousandths": int(1000 * min(hard for hard, _ in scores)),
                "soft Dice at least, thousandths": int(1000 * min(soft for _, soft in scores)),
            },
        )
        assert all(min(each) >= needed for each in scores), (way, scores)
