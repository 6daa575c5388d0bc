"""The cases that the shipped model learns from, each prepared once: real exams, the same without lesions and with others'
lesions, and synthetic patients. A second call takes up what is there; every derived case is a pure function of its number.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.result_folder import write_completely
from MSSoftSegLib.training.data.prepared import make_stored_arrays, prepare_cases
from MSSoftSegLib.training.data.prepared_case import FACTS_FILE, PreparedCase, read_prepared, write_prepared
from MSSoftSegLib.training.data.working_arrays import WorkingArrays
from MSSoftSegLib.training.planting.filling import fill_lesions
from MSSoftSegLib.training.planting.planting import lesion_step, plant_lesions
from MSSoftSegLib.training.recipe import Recipe
from MSSoftSegLib.training.shipped.real_exams import RealExam, find_real_exams
from MSSoftSegLib.training.synthesis.anatomy_bank import load_anatomy_bank
from MSSoftSegLib.training.synthesis.fields import Shape
from MSSoftSegLib.training.synthesis.generator import draw_patient
from MSSoftSegLib.training.synthesis.lesion_bank import load_lesion_bank

Kind = Literal["real", "filled", "planted", "synthetic"]
# Raised whenever a derived case comes out differently for the same number.
DERIVATION_VERSION = 1
# The one patient of the lesion bank whose images are judged too: her lesions are drawn in nobody else.
JUDGED_SHAPES = ("patient26",)
PLANTED_SEED, SYNTHETIC_SEED = 31, 32


@dataclass(frozen=True)
class CohortPlan:
    """How many of each kind. planted: by center, for each of its exams; shape: of a synthetic patient (z, y, x) at 1 mm."""

    planted: tuple[tuple[str, int], ...] = (("ljubljana", 6), ("catania", 3), ("tabriz", 2))
    synthetic: int = 64
    shape: Shape = (144, 176, 144)


@dataclass(frozen=True)
class CohortCase:
    """One prepared case, what it is, and whose images it shows (center and patient are empty for synthetic patients)."""

    prepared: PreparedCase
    kind: Kind
    center: str = ""
    patient: str = ""


def build_cohort(
    data: Path, folder: Path, plan: CohortPlan, recipe: Recipe, *, workers: int = 1, synthetic_only: bool = False
) -> list[CohortCase]:
    """All cases of the plan below ``folder``: real ones first, then by kind and number. data: the folder with the centers."""
    exams = [] if synthetic_only else find_real_exams(data)
    parts = [_Part("real", number) for number in range(len(exams))]
    planted = dict(plan.planted)
    later = [_Part("filled", number) for number in range(len(exams))]
    later += [_Part("planted", n, k) for n, exam in enumerate(exams) for k in range(planted.get(exam.center, 0))]
    later += [_Part("synthetic", number) for number in range(plan.synthetic)]
    builder = _Builder(data, folder, plan, recipe, tuple(exams))
    return [case for step in (parts, later) for case in _built(builder, step, workers)]


@dataclass(frozen=True)
class _Part:
    kind: Kind
    number: int
    copy: int = 0


def _built(builder: _Builder, parts: Sequence[_Part], workers: int) -> list[CohortCase]:
    if workers <= 1:
        return [builder(part) for part in parts]
    with get_context("spawn").Pool(workers) as pool:
        return pool.map(builder, parts, chunksize=1)


@dataclass(frozen=True)
class _Builder:
    """Makes one case; sent to other processes."""

    data: Path
    folder: Path
    plan: CohortPlan
    recipe: Recipe
    exams: tuple[RealExam, ...]

    def __call__(self, part: _Part) -> CohortCase:
        torch.set_num_threads(1)
        if part.kind == "synthetic":
            return CohortCase(self._synthetic(part.number), "synthetic")
        exam = self.exams[part.number]
        real = prepare_cases([exam.case], self.recipe, self.folder / "real")[0]
        if part.kind == "real":
            return CohortCase(real, "real", exam.center, exam.patient)
        made: Callable[[], WorkingArrays] = lambda: self._derived(part, exam, real)  # noqa: E731
        name = f"{real.case}-{part.kind}-{part.copy}"
        source = json.loads((real.folder / FACTS_FILE).read_text(encoding="utf-8"))["fingerprint"]
        return CohortCase(self._kept(name, real.patient, [source], made), part.kind, exam.center, exam.patient)

    def _synthetic(self, number: int) -> PreparedCase:
        def made() -> WorkingArrays:
            bank = load_lesion_bank(self.data / "open_ms", without=JUDGED_SHAPES)
            rng = np.random.default_rng([SYNTHETIC_SEED, number])
            patient = draw_patient(load_anatomy_bank(self.data / "open_ms"), bank, self.plan.shape, rng=rng)
            images = patient.images.numpy()
            return WorkingArrays(images, images[0] != 0, patient.label[0].numpy(), {}, None, 1.0, 1.0)

        return self._kept(f"synthetic-{number:04d}", f"synthetic-{number:04d}", [list(self.plan.shape)], made)

    def _derived(self, part: _Part, exam: RealExam, real: PreparedCase) -> WorkingArrays:
        images, label, brain = (np.array(array) for array in (real.images(), real.label(), real.brain()))
        rng = np.random.default_rng([PLANTED_SEED, part.number, part.copy])
        filled = fill_lesions(images, label, brain, rng=rng)
        if part.kind == "filled":
            return WorkingArrays(filled, brain, np.zeros_like(label), {}, None, real.spacing_mm, real.slices_mm)
        bank = load_lesion_bank(self.data / "open_ms", without=JUDGED_SHAPES)
        step = lesion_step(images, filled, label)
        thick = real.slices_mm / real.spacing_mm
        planted = plant_lesions(filled, brain, step, bank, slice_voxels=thick, rng=rng)
        return WorkingArrays(planted.images, brain, planted.label, {}, None, real.spacing_mm, real.slices_mm)

    def _kept(
        self, name: str, patient: str, source: Sequence[object], made: Callable[[], WorkingArrays]
    ) -> PreparedCase:
        """The case of that name, made unless it lies there already and is of the same source."""
        target = self.folder / "derived" / re.sub(r"[^A-Za-z0-9._-]", "_", name)
        document = json.dumps([DERIVATION_VERSION, name, source])
        fingerprint = hashlib.sha256(document.encode()).hexdigest()
        found = read_prepared(target, fingerprint)
        if found is not None:
            return found
        arrays = made()
        facts = PreparedCase(
            case=name,
            patient=patient,
            folder=target,
            shape=arrays.label.shape,
            spacing_mm=arrays.spacing_mm,
            slices_mm=arrays.slices_mm,
            soft_volume_ml=float(arrays.label.sum(dtype=np.float64)) * arrays.spacing_mm**3 / MM3_PER_ML,
            lesion_volume_ml=float(np.count_nonzero(arrays.label >= 0.5)) * arrays.spacing_mm**3 / MM3_PER_ML,
            is_pseudo_labelled=False,
            raters=(),
        )
        with write_completely(target, overwrite=True) as partial:
            write_prepared(partial, make_stored_arrays(arrays), facts, fingerprint)
        return facts
