"""Synthetic patients on disk, with the labels that each variant is trained on (``shipped_variants.py``)."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask
from MSSoftSegLib.training.data.prepared_case import PreparedCase, name_rater_file, read_prepared, write_prepared
from MSSoftSegLib.training.synthesis.anatomy_bank import load_anatomy_bank
from MSSoftSegLib.training.synthesis.generator import SyntheticPatient, draw_patient
from MSSoftSegLib.training.synthesis.lesion_bank import load_lesion_bank

Label = Literal["drawn", "pen", "barilan"]
Normalization = Literal["median-iqr", "z-score"]

# Apart from the seeds of every training; the held-out exam's lesions are in no patient.
COHORT_SEED = 20_261
HELD_OUT = "patient26"
SHAPE = (144, 176, 144)
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
EVERY_NEIGHBOR = np.ones((3, 3, 3))


@dataclass(frozen=True)
class Cohort:
    """Patients by number below ``folder``: the first ``training``, then ``validation``, then ``test``."""

    folder: Path
    data: Path
    training: int = 64
    validation: int = 8
    test: int = 12

    def numbers(self, part: Literal["training", "validation", "test"]) -> range:
        """The numbers of the patients of one part."""
        starts = {"training": 0, "validation": self.training, "test": self.training + self.validation}
        return range(starts[part], starts[part] + getattr(self, part))

    def write(self) -> None:
        """Draw every patient that is not there yet."""
        anatomies, lesions = load_anatomy_bank(self.data), load_lesion_bank(self.data, without=(HELD_OUT,))
        for number in range(self.training + self.validation + self.test):
            target = self.folder / "drawn" / "median-iqr" / f"{number:03d}"
            if read_prepared(target, _fingerprint(number)) is None:
                patient = _with_all_contrasts(anatomies, lesions, number)
                _write(target, number, patient.images.numpy(), patient.label[0].numpy(), patient.label[0].numpy())

    def case(self, number: int, label: Label, normalization: Normalization) -> PreparedCase:
        """One patient with a label and a normalization, made from what was drawn where it is not there yet."""
        drawn = read_prepared(self.folder / "drawn" / "median-iqr" / f"{number:03d}", _fingerprint(number))
        assert drawn is not None, "write() comes first"
        target = self.folder / label / normalization / f"{number:03d}"
        found = read_prepared(target, _fingerprint(number))
        if found is None:
            truth = np.array(drawn.label())
            images = np.array(drawn.images())
            if normalization == "z-score":
                images = _standardized(images, np.array(drawn.brain()))
            _write(target, number, images, _label(label, truth, images[0]), truth)
            found = read_prepared(target, _fingerprint(number))
        assert found is not None
        return found

    def cases(
        self, part: Literal["training", "validation", "test"], label: Label, normalization: Normalization
    ) -> tuple[PreparedCase, ...]:
        """The patients of one part."""
        return tuple(self.case(number, label, normalization) for number in self.numbers(part))


def pen(soft: np.ndarray) -> np.ndarray:
    """What one expert's pen would draw: voxels of which at least half is lesion (bool)."""
    return soft >= 0.5


def _label(kind: Label, soft: np.ndarray, flair: np.ndarray) -> np.ndarray:
    """drawn: the fraction of each voxel that is lesion; pen: binary; barilan: that mask with the thesis' shell."""
    if kind == "drawn":
        return soft
    if kind == "pen":
        return pen(soft).astype(np.float32)
    z, y, x = soft.shape
    grid = Grid((x, y, z), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), IDENTITY)
    mask, image = grid.image(pen(soft).astype(np.uint8)), grid.image(flair)
    settings = SoftLabelSettings(merge="soft-union", method="barilan", radius_mm=1.0, gamma=0.5)
    return voxels(make_soft_mask([mask], image, settings).image).astype(np.float32)


def _with_all_contrasts(anatomies: object, lesions: object, number: int) -> SyntheticPatient:
    """The first patient of this number's seeds whose three contrasts are there: some recipes need all of them."""
    attempt = 0
    while True:
        rng = np.random.default_rng([COHORT_SEED, number, attempt])
        patient = draw_patient(anatomies, lesions, SHAPE, rng=rng)  # type: ignore[arg-type]
        if all(bool(image.any()) for image in patient.images):
            return patient
        attempt += 1


def _standardized(images: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """z-score inside the brain, 0 outside; what an affine change of intensity came before does not matter."""
    inside = images[:, brain]
    mean, spread = inside.mean(axis=1)[:, None, None, None], inside.std(axis=1)[:, None, None, None]
    return ((images - mean) / spread * brain).astype(np.float32)


def _write(target: Path, number: int, images: np.ndarray, label: np.ndarray, truth: np.ndarray) -> None:
    """A prepared case as training maps it; the rater is the pen."""
    brain = images[0] != 0
    lesions, count = ndimage.label((label > 0) & brain, EVERY_NEIGHBOR)
    flat = lesions.ravel()
    marked = np.flatnonzero(flat)
    by_lesion = marked[np.argsort(flat[marked], kind="stable")]
    z, y, x = label.shape
    case = PreparedCase(
        case=f"synthetic-{number:03d}",
        patient=f"synthetic-{number:03d}",
        folder=target,
        shape=(z, y, x),
        spacing_mm=1.0,
        slices_mm=1.0,
        soft_volume_ml=float(label.sum(dtype=np.float64)) / 1000,
        lesion_volume_ml=float(np.count_nonzero(pen(label))) / 1000,
        is_pseudo_labelled=False,
        raters=("pen",),
    )
    partial = target.with_name(target.name + f".partial-{os.getpid()}")
    partial.mkdir(parents=True, exist_ok=True)
    arrays = {
        "images": images.astype(np.float32),
        "label": label.astype(np.float32),
        "brain": brain,
        "brain_voxels": np.flatnonzero(brain).astype(np.int32),
        "lesion_voxels": by_lesion.astype(np.int32),
        "lesion_starts": np.searchsorted(flat[by_lesion], np.arange(1, count + 2)).astype(np.int32),
        name_rater_file(0): pen(truth).astype(np.float32),
    }
    write_prepared(partial, arrays, replace(case, folder=partial), _fingerprint(number))
    os.replace(partial, target)


def _fingerprint(number: int) -> str:
    return f"variants {COHORT_SEED} {number}"
