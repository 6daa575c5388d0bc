"""The picture of the model card's failure modes: where the shipped model errs most on synthetic patients nobody trained on.

    python Docs/make/failure_modes.py ../shared/data/open_ms --out Resources/Models/starter/failure_modes.png

Rows: lesions that it misses, lesions that are none, lesions that it draws too small, and too large; the worst of each by volume.
Left of each pair the image, right the same with the true outline (orange, lesion fraction 0.5) and the model's (cyan).
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
import torch
from matplotlib.axes import Axes
from scipy import ndimage

from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.inference.sliding_window import windowed_logits
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.network.window import window_of
from MSSoftSegLib.training.synthesis.anatomy_bank import load_anatomy_bank
from MSSoftSegLib.training.synthesis.generator import draw_patient
from MSSoftSegLib.training.synthesis.lesion_bank import load_lesion_bank

# Apart from the seeds of training and of the operating point.
SEED = 20_262
SHAPE = (144, 176, 144)
HALF_WIDTH = 28
COLUMNS = 4
EVERY_NEIGHBOR = np.ones((3, 3, 3))
KINDS = ("missed", "false", "too small", "too large")


@dataclass(frozen=True)
class Failure:
    """One place: slices of FLAIR, truth and model around it, and what is to be said of it."""

    kind: str
    severity: int
    patient: int
    flair: np.ndarray
    truth: np.ndarray
    found: np.ndarray
    words: str


def failures(number: int, flair: np.ndarray, truth: np.ndarray, found: np.ndarray) -> Iterator[Failure]:
    """All failures of one patient. truth, found: bool (z, y, x) at 1 mm."""

    def failure(kind: str, component: np.ndarray, severity: int, words: str) -> Failure:
        z = int(component.sum(axis=(1, 2)).argmax())
        y, x = (round(float(part)) for part in np.argwhere(component[z]).mean(axis=0))
        window = (z, slice(max(0, y - HALF_WIDTH), y + HALF_WIDTH), slice(max(0, x - HALF_WIDTH), x + HALF_WIDTH))
        return Failure(kind, severity, number, flair[window], truth[window], found[window], words)

    for lesion in components(truth):
        volume, lost = int(lesion.sum()), int((lesion & ~found).sum())
        kind, words = (
            ("missed", f"{volume} mm³ missed") if lost == volume else ("too small", f"{lost} of {volume} mm³ lost")
        )
        if lost:
            yield failure(kind, lesion & ~found, lost, words)
    for blob in components(found):
        volume, beyond = int(blob.sum()), int((blob & ~truth).sum())
        kind, words = (
            ("false", f"{volume} mm³ false") if beyond == volume else ("too large", f"{beyond} of {volume} mm³ beyond")
        )
        if beyond:
            yield failure(kind, blob & ~truth, beyond, words)


def components(mask: np.ndarray) -> Iterator[np.ndarray]:
    """Each 26-connected component as a mask."""
    labels, count = ndimage.label(mask, EVERY_NEIGHBOR)
    for number in range(1, count + 1):
        yield labels == number


def collect(data: Path, patients: int) -> list[Failure]:
    """The failures of the shipped model on so many synthetic patients."""
    bundle = find_bundle("starter")
    description, network = bundle.description, load_networks(bundle)[0]
    anatomies, lesions = load_anatomy_bank(data), load_lesion_bank(data, without=())
    found = []
    for number in range(patients):
        patient = draw_patient(anatomies, lesions, SHAPE, rng=np.random.default_rng([SEED, number]))
        window = window_of(description)
        logits = windowed_logits(network, patient.images[None], choose_device("cpu"), window=window)[0, 0]
        probability = torch.sigmoid(logits / description.calibration.temperature).numpy()
        probability = probability * (patient.images[0] != 0).numpy()
        mask = label_instances(
            probability,
            threshold=description.threshold,
            min_lesion_mm3=description.min_lesion_mm3,
            voxel_volume_mm3=1.0,
        )
        found += failures(number, patient.images[0].numpy(), patient.label[0].numpy() >= 0.5, mask > 0)
    return found


def draw(axes: Axes, failure: Failure, *, outlined: bool) -> None:
    """One crop; the patient's front is up."""
    axes.imshow(failure.flair, cmap="gray", vmin=-3, vmax=4.5)
    if outlined:
        for mask, color in ((failure.truth, "#ff9f1c"), (failure.found, "#00d7ff")):
            if mask.any():
                axes.contour(mask, [0.5], colors=color, linewidths=1.0)
        axes.set_title(failure.words, fontsize=8, pad=2)
    axes.set_xticks([])
    axes.set_yticks([])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--patients", type=int, default=16)
    given = parser.parse_args()
    every = collect(given.data, given.patients)
    figure, grid = plt.subplots(len(KINDS), 2 * COLUMNS, figsize=(2 * COLUMNS * 1.3, len(KINDS) * 1.45))
    for row, kind in zip(grid, KINDS, strict=True):
        # One of a patient, so that one bad image does not fill a row.
        worst: dict[int, Failure] = {}
        for each in sorted((f for f in every if f.kind == kind), key=lambda f: f.severity):
            worst[each.patient] = each
        for column, each in enumerate(sorted(worst.values(), key=lambda f: -f.severity)[:COLUMNS]):
            draw(row[2 * column], each, outlined=False)
            draw(row[2 * column + 1], each, outlined=True)
        row[0].set_ylabel(kind, fontsize=8)
    figure.subplots_adjust(0.02, 0.01, 0.995, 0.96, 0.03, 0.17)
    figure.savefig(given.out, dpi=90)


if __name__ == "__main__":
    main()
