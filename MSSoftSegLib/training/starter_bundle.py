"""From a finished starter run to the bundle that ships.

python -m MSSoftSegLib.training.starter_bundle --data DATA/open_ms --run RUN --out Resources/Models/starter
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import torch

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.inference.device import choose_device
from MSSoftSegLib.inference.whole_volume import predict_logits
from MSSoftSegLib.network.architecture import LesionUNet
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.weights import save_weights
from MSSoftSegLib.result_folder import complete_or_absent
from MSSoftSegLib.training.calibration import OperatingPoint, ValidationCase, choose_operating_point
from MSSoftSegLib.training.starter import StarterPlan, StarterRun
from MSSoftSegLib.training.synthesis.anatomy_bank import load_anatomy_bank
from MSSoftSegLib.training.synthesis.generator import draw_patient
from MSSoftSegLib.training.synthesis.lesion_bank import load_lesion_bank
from MSSoftSegLib.version import VERSION

LOGGER = logging.getLogger(__name__)
VALIDATION_CASES = 12
VALIDATION_SEED = 777
INTENDED_USE = "Research on MS lesion segmentation in adults' brain MRI. Not a medical device; not for diagnosis."


def validation_cases(plan: StarterPlan, network: LesionUNet, data: Path, count: int) -> list[ValidationCase]:
    """Freshly drawn synthetic patients (same shapes as in training, other draws) with the network's logits."""
    anatomies, lesions = load_anatomy_bank(data), load_lesion_bank(data, without=plan.without)
    device = choose_device("cpu")
    cases = []
    for number in range(count):
        rng = np.random.default_rng([VALIDATION_SEED, number])
        patient = draw_patient(anatomies, lesions, plan.patient_shape, rng=rng)
        logits = predict_logits(network, patient.images[None], device)[0, 0]
        cases.append(ValidationCase(logits, patient.label[0], patient.images[0] != 0))
    return cases


def write_bundle(
    folder: Path, network: LesionUNet, plan: StarterPlan, point: OperatingPoint, steps: Sequence[str], card: str
) -> None:
    """Write description, weights and card into an existing folder; ``steps`` tells how the run really went."""
    path = folder / "weights.safetensors"
    save_weights(network, path)
    description = {
        "name": "starter",
        "version": VERSION,
        "created": date.today().isoformat(),
        "licence": "Apache-2.0",
        "intended_use": INTENDED_USE,
        "inputs": [{"modality": m.value, "required": m is Modality.FLAIR} for m in MODALITIES],
        "spacing_mm": 1.0,
        "normalization": "median-iqr",
        "network": {"kind": "lesion-unet", "widths": list(plan.widths)},
        "activation": "sigmoid",
        "tta": "flips8",
        "threshold": point.threshold,
        "min_lesion_mm3": point.min_lesion_mm3,
        "calibration": {"temperature": point.temperature},
        "recipe": {"name": "starter", **asdict(plan)},
        "training": {
            "data": ["open_ms lesion masks and tissue maps (Lesjak et al. 2017, CC-BY)", "MNI ICBM152 2009a maps"],
            "left_out": list(plan.without),
            "folds": 1,
            "seed": plan.seed,
            "course": list(steps),
            "software": f"MSSoftSegLib {VERSION}, torch {torch.__version__}",
        },
        "metrics": {"synthetic_validation": {"n": VALIDATION_CASES, **asdict(point)}},
        "files": [{"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}],
    }
    ModelDescription.model_validate_json(json.dumps(description))
    (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(card, encoding="utf-8")


def main() -> None:
    """Command line: calibrate a finished run and write its bundle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the open_ms folder (lesion_masks, tissues)")
    parser.add_argument("--run", type=Path, required=True, help="the folder of a finished starter run")
    parser.add_argument("--card", type=Path, required=True, help="the card to put beside the weights")
    parser.add_argument("--course", action="append", default=[], help="a sentence on how the run went; may be repeated")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    plan = StarterPlan()
    run = StarterRun(plan, arguments.run)
    run.load()
    network = run.average.eval()
    point = choose_operating_point(validation_cases(plan, network, arguments.data, VALIDATION_CASES))
    LOGGER.info("%s", point)
    course = [f"{run.step} steps of {plan.steps}", *arguments.course]
    with complete_or_absent(arguments.out, overwrite=True) as folder:
        write_bundle(folder, network, plan, point, course, arguments.card.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
