"""The picture of the model card's failure modes: where models that had not seen the exam's center err most.

    python Docs/make/failure_modes.py --data DATA --run RUN --out Docs/pictures/starter_failures.png

RUN is that of ``python -m MSSoftSegLib.training.shipped --judge``. Rows: lesions that are missed, lesions that are none, lesions
drawn too small, and too large; the worst of each by volume, one of a patient. Left of each pair FLAIR, right the same with the
rater's outline (orange) and the model's (cyan). Only images whose licence allows it are drawn (CC BY: open_ms, MS3SEG), with
their notice.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from scipy import ndimage

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import read_exam
from MSSoftSegLib.training.shipped.held_out import read_held_out_exam
from MSSoftSegLib.training.shipped.judging import name_held_out_folder
from MSSoftSegLib.training.shipped.points import choose_cross_fitted_point, cut_lesions
from MSSoftSegLib.training.shipped.real_exams import find_real_exams
from MSSoftSegLib.training.shipped.withheld import withhold_each_center

# Centers whose images may be shown with their notice. Catania's licence is known at second hand only.
MAY_BE_SHOWN = ("ljubljana", "tabriz")
NOTICE = (
    "Images: open_ms (Lesjak et al. 2017, CC BY) and MS3SEG (Bashiri Bawil et al., CC BY 4.0); cropped, outlines added."
)
HALF_WIDTH = 28
COLUMNS = 4
EVERY_NEIGHBOR = np.ones((3, 3, 3))
KINDS = ("missed", "false", "too small", "too large")


@dataclass(frozen=True)
class Failure:
    """One place: slices of FLAIR, truth and model around it, and what is to be said of it."""

    kind: str
    severity: float
    patient: str
    flair: np.ndarray
    truth: np.ndarray
    found: np.ndarray
    words: str


@dataclass(frozen=True)
class Shown:
    """Whose exam it is, its FLAIR (z, y, x) with the brain from 0 to 1, and the volume of a voxel."""

    patient: str
    flair: np.ndarray
    voxel_mm3: float


def failures(exam: Shown, truth: np.ndarray, found: np.ndarray) -> Iterator[Failure]:
    """All failures of one exam. truth, found: bool (z, y, x) on its grid."""

    def failure(kind: str, component: np.ndarray, severity: float, words: str) -> Failure:
        z = int(component.sum(axis=(1, 2)).argmax())
        y, x = (round(float(part)) for part in np.argwhere(component[z]).mean(axis=0))
        window = (z, slice(max(0, y - HALF_WIDTH), y + HALF_WIDTH), slice(max(0, x - HALF_WIDTH), x + HALF_WIDTH))
        return Failure(kind, severity, exam.patient, exam.flair[window], truth[window], found[window], words)

    for lesion in components(truth):
        volume, lost = (float(part.sum()) * exam.voxel_mm3 for part in (lesion, lesion & ~found))
        kind, words = (
            ("missed", f"{volume:.0f} mm³ missed")
            if lost == volume
            else ("too small", f"{lost:.0f} of {volume:.0f} mm³ lost")
        )
        if lost:
            yield failure(kind, lesion & ~found, lost, words)
    for blob in components(found):
        volume, beyond = (float(part.sum()) * exam.voxel_mm3 for part in (blob, blob & ~truth))
        kind, words = (
            ("false", f"{volume:.0f} mm³ false")
            if beyond == volume
            else ("too large", f"{beyond:.0f} of {volume:.0f} mm³ beyond")
        )
        if beyond:
            yield failure(kind, blob & ~truth, beyond, words)


def components(mask: np.ndarray) -> Iterator[np.ndarray]:
    """Each 26-connected component as a mask."""
    labels, count = ndimage.label(mask, EVERY_NEIGHBOR)
    for number in range(1, count + 1):
        yield labels == number


def collect(data: Path, run: Path) -> list[Failure]:
    """The failures on every judged exam of these centers; RequestError where an exam was not judged."""
    exams = [exam for exam in find_real_exams(data) if exam.center in MAY_BE_SHOWN]
    folders = {
        patient: name_held_out_folder(run, part) for part in withhold_each_center(exams) for patient in part.patients
    }
    judged = {exam.case.case: read_held_out_exam(exam, folders[exam.patient]) for exam in exams}
    found: list[Failure] = []
    for exam in exams:
        held_out = judged[exam.case.case]
        point = choose_cross_fitted_point(held_out, list(judged.values()))
        mask = cut_lesions(
            held_out,
            held_out.probability(point.temperature),
            threshold=point.threshold,
            min_lesion_mm3=point.min_lesion_mm3,
        )
        flair = voxels(read_exam(exam.case.images).image(Modality.FLAIR))
        flair = flair[held_out.box]
        low, high = np.percentile(flair[held_out.brain], [1, 99.7])
        shown = Shown(exam.patient, (flair - low) / (high - low), held_out.voxel_mm3)
        found += failures(shown, held_out.truth, mask)
    return found


def draw(axes: Axes, failure: Failure, *, outlined: bool) -> None:
    """One crop; the patient's front is up."""
    axes.imshow(failure.flair, cmap="gray", vmin=0, vmax=1.1)
    if outlined:
        for mask, color in ((failure.truth, "#ff9f1c"), (failure.found, "#00d7ff")):
            if mask.any():
                axes.contour(mask, [0.5], colors=color, linewidths=1.0)
        axes.set_title(failure.words, fontsize=7, pad=2)
    axes.set_xticks([])
    axes.set_yticks([])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    every = collect(given.data, given.run)
    figure, grid = plt.subplots(len(KINDS), 2 * COLUMNS, figsize=(2 * COLUMNS * 1.3, len(KINDS) * 1.45))
    for row, kind in zip(grid, KINDS, strict=True):
        # One of a patient, so that one bad image does not fill a row.
        worst: dict[str, Failure] = {}
        for each in sorted((f for f in every if f.kind == kind), key=lambda f: f.severity):
            worst[each.patient] = each
        for column, each in enumerate(sorted(worst.values(), key=lambda f: -f.severity)[:COLUMNS]):
            draw(row[2 * column], each, outlined=False)
            draw(row[2 * column + 1], each, outlined=True)
        row[0].set_ylabel(kind, fontsize=8)
    figure.text(0.995, 0.008, NOTICE, fontsize=6, ha="right")
    figure.subplots_adjust(0.02, 0.03, 0.995, 0.96, 0.03, 0.17)
    figure.savefig(given.out, dpi=90)


if __name__ == "__main__":
    main()
