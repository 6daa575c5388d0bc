"""From a finished run to the bundle that ships: operating point on synthetic patients, description, card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from MSSoftSegLib.exam.image_file import sha256_of_file
from MSSoftSegLib.inference.augmentation import flips
from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.inference.sliding_window import windowed_logits
from MSSoftSegLib.network.catalog import SHIPPED_MODEL
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.weights import save_weights
from MSSoftSegLib.training.calibration import OperatingPoint, ValidationCase
from MSSoftSegLib.training.engine.bundle_writing import inference_facts
from MSSoftSegLib.training.recipe import find_recipe
from MSSoftSegLib.training.shipped.plan import RECIPE, Plan
from MSSoftSegLib.training.synthesis.anatomy_bank import load_anatomy_bank
from MSSoftSegLib.training.synthesis.generator import draw_patient
from MSSoftSegLib.training.synthesis.lesion_bank import load_lesion_bank
from MSSoftSegLib.version import VERSION

# As the recipe says, and ``segment`` does.
TTA = "flips8"
# Apart from every seed of training.
VALIDATION_SEED = 777
INTENDED_USE = "Research on MS lesion segmentation in adults' brain MRI. Not a medical device; not for diagnosis."
DATA = [
    "lesion masks and tissue maps of open_ms and ms.lesion (Lesjak et al. 2017, CC-BY)",
    "MNI ICBM152 2009a tissue maps",
]


def validation_cases(plan: Plan, network: nn.Module, data: Path) -> list[ValidationCase]:
    """Synthetic patients that no training drew, with the network's logits."""
    anatomies, lesions = load_anatomy_bank(data), load_lesion_bank(data, without=(plan.held_out,))
    device = choose_device("cpu")
    cases = []
    for number in range(plan.validation_patients):
        rng = np.random.default_rng([VALIDATION_SEED, number])
        patient = draw_patient(anatomies, lesions, plan.shape, rng=rng)
        logits = member_logits(network, patient.images, device)
        cases.append(ValidationCase(logits, patient.label[0], patient.images[0] != 0))
    return cases


def member_logits(network: nn.Module, images: Tensor, device: Device) -> Tensor:
    """Logits (member, z, y, x) of one image (c, z, y, x), a member for each of the flips that ``segment`` makes."""
    window = find_recipe(RECIPE).window
    members = []
    for axes in flips(TTA):
        logits = windowed_logits(network, images[None].flip(axes), device, window=window)
        members.append(logits.flip(axes)[0, 0])
    return torch.stack(members)


def write_bundle(
    folder: Path,
    network: nn.Module,
    plan: Plan,
    point: OperatingPoint,
    *,
    trained: Sequence[str],
    course: Sequence[str],
    card: str,
) -> None:
    """Write description, weights and card into an existing folder. trained: names of the stages behind the weights."""
    path = folder / "weights.safetensors"
    save_weights(network, path)
    stages = [stage for stage in plan.stages if stage.name in trained]
    saw_real = any(stage.real_share for stage in stages)
    recipe = plan.recipe(stages[-1])
    document = {
        "name": SHIPPED_MODEL,
        "version": plan.version,
        "created": date.today().isoformat(),
        "licence": "Apache-2.0",
        "intended_use": INTENDED_USE,
        **inference_facts(recipe, point),
        "training": {
            "data": [*DATA, *([f"{plan.held_out} of open_ms, images and mask"] if saw_real else [])],
            "left_out": [] if saw_real else [plan.held_out],
            "stages": [asdict(stage) for stage in stages],
            "folds": 1,
            "seed": plan.seed,
            "course": list(course),
            "software": f"MSSoftSegLib {VERSION}, torch {torch.__version__}",
        },
        "metrics": {"synthetic_validation": {"n": plan.validation_patients, **asdict(point)}},
        "files": [{"name": path.name, "sha256": sha256_of_file(path)}],
    }
    ModelDescription.model_validate_json(json.dumps(document))
    (folder / "model.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(card, encoding="utf-8")
