"""An adaptation small enough for a test: a tiny network on 3 mm, digital patients in place of a department's cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from MSSoftSegLib.library.datalist import write_datalist
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.training.adaptation.base_patients import base_patients
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

SPACING_MM = 3.0
RECIPE = """
extends = "mssoftseg-adapt"
name = "small-adapt"
[data]
spacing_mm = 3.0
[network]
kind = "lesion-unet"
widths = [4, 6, 8]
[sampling]
size = [32, 32, 32]
[training]
steps_per_epoch = 4
checkpoint_steps = 4
[adaptation]
rehearsal_patients = 1
base_patients = 1
base_spacing_mm = 3.0
sizes = [
  { patients = 2, frozen = ["encoder"], rate = 5e-3, epochs = 2, rehearsal = 0.4, validation = 0.0 },
  { patients = 3, rate = 1e-3, epochs = 1, rehearsal = 0.0, validation = 0.34 },
  { rate = 1e-3, epochs = 1, rehearsal = 0.0, validation = 0.0, cross_fit = 2 },
]
"""


def small_recipe(folder: Path) -> Path:
    """The recipe's file."""
    path = folder / "small-adapt.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def small_model(folder: Path, *, seed: int = 0) -> Path:
    """A model with random weights that looks at 3 mm; threshold and smallest lesion are nobody's default."""
    write_random_bundle(folder, seed=seed)
    path = folder / "model.json"
    changes = {"spacing_mm": SPACING_MM, "threshold": 0.37, "min_lesion_mm3": 41.0, "calibration": {"temperature": 1.3}}
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def few_cases(count: int) -> list[LabeledCase]:
    """A department's cases: digital patients that adaptation neither rehearses nor judges by."""
    made = base_patients("rehearsal", 1 + count, spacing_mm=SPACING_MM)[1:]
    return [
        LabeledCase(f"d{number}", f"d{number}", case.images, case.raters, preprocessed=True)
        for number, case in enumerate(made)
    ]


def listed(cases: Sequence[LabeledCase], folder: Path) -> Path:
    """The cases as a library that train and compare-models take."""
    return write_datalist(cases, folder / "cases.json")
