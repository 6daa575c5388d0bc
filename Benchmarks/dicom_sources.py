"""How well voxels tell whose series a FLAIR came from: the measure that the DICOM export goes by, beside a plain correlation.

    .venv/bin/python Benchmarks/dicom_sources.py ../shared/data/open_ms

Writes ``Benchmarks/results/dicom_sources.md``.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.dicom.matching import LEAST_AGREEMENT, LEAST_AGREEMENT_RESAMPLED, agreement, least_agreement
from MSSoftSegLib.exam.geometry import image_like, voxels

RESULT = Path(__file__).resolve().parent / "results" / "dicom_sources.md"
EXAMS = ("raw/patient12_study1", "raw/patient12_study2", "raw/patient03_study2", "raw_partial/patient19_study2")


def main(data: Path) -> None:
    """Measure, print and write the table."""
    flairs = {exam: sitk.ReadImage(str(data / exam / "FLAIR.nii.gz"), sitk.sitkFloat32) for exam in EXAMS}
    lines = [
        "# Whose series is it?",
        "",
        f"Public exams of one protocol (320×320×48 voxels), compared voxel by voxel. At least {LEAST_AGREEMENT} is taken for one",
        f"image; where a case was resampled, at least {LEAST_AGREEMENT_RESAMPLED} in every third of the head.",
        "By `Benchmarks/dicom_sources.py`.",
        "",
        "| compared with | n | agreement of neighborhoods | least third | plain correlation |",
        "|---|---|---|---|---|",
    ]
    for what, pairs in (*_others(flairs, data), *_same(flairs)):
        found = [(agreement(a, b), least_agreement(a, b), np.corrcoef(a.ravel(), b.ravel())[0, 1]) for a, b in pairs]
        ranges = " | ".join(f"{min(column):.2f} to {max(column):.2f}" for column in zip(*found, strict=True))
        lines.append(f"| {what} | {len(found)} | {ranges} |")
        sys.stdout.write(lines[-1] + "\n")
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


Pairs = Iterator[tuple[str, list[tuple[np.ndarray, np.ndarray]]]]


def _others(flairs: dict[str, sitk.Image], data: Path) -> Pairs:
    """Pairs that are not one image."""
    exams = {exam: voxels(flair) for exam, flair in flairs.items()}
    yield "another person's or visit's FLAIR", list(itertools.combinations(exams.values(), 2))
    for contrast in ("T1", "T2"):
        found = []
        for exam in EXAMS[:3]:
            other = sitk.ReadImage(str(data / exam / f"{contrast}.nii.gz"), sitk.sitkFloat32)
            found.append((exams[exam], voxels(sitk.Resample(other, flairs[exam]))))
        yield f"the same head's {contrast}", found
    yield "its own mirror image", [(array, np.ascontiguousarray(array[:, :, ::-1])) for array in exams.values()]
    yield "itself, one plane off", [(array, np.roll(array, 1, axis=0)) for array in exams.values()]
    yield "itself, one voxel off", [(array, np.roll(array, 1, axis=2)) for array in exams.values()]


def _same(flairs: dict[str, sitk.Image]) -> Pairs:
    """Pairs that are one image before and after what is commonly done to it."""
    images = list(flairs.values())
    yield (
        "itself, smoothed (SD 1 mm)",
        [(voxels(sitk.SmoothingRecursiveGaussian(image, 1.0)), voxels(image)) for image in images],
    )
    yield "itself, median of 3×3", [(voxels(sitk.Median(image, [1, 1, 0])), voxels(image)) for image in images]
    yield "itself, with a bias field of ±40 %", [(_biased(voxels(image)), voxels(image)) for image in images]
    yield "itself, 8 bits", [(np.rint(255 * voxels(image) / voxels(image).max()), voxels(image)) for image in images]
    yield "itself, cut out by a mask", [(voxels(_stripped(image)), voxels(image)) for image in images]


def _biased(array: np.ndarray) -> np.ndarray:
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, count) for count in array.shape], indexing="ij")
    return array * np.exp(0.4 * x * y + 0.2 * z)


def _stripped(image: sitk.Image) -> sitk.Image:
    head = sitk.BinaryFillhole(sitk.OtsuThreshold(image, 0, 1))
    return image_like(image, voxels(image) * voxels(sitk.BinaryErode(head, [15, 15, 1])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
