"""From a finished run to the bundle that ships: description, weights, card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import nn

from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.network.catalog import SHIPPED_MODEL
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.operating_point import AcquisitionPoint, OperatingPoint
from MSSoftSegLib.network.weights import save_weights
from MSSoftSegLib.training.engine.bundle_writing import make_inference_facts
from MSSoftSegLib.training.shipped.plan import Plan
from MSSoftSegLib.version import VERSION

INTENDED_USE = "Research on MS lesion segmentation in adults' brain MRI. Not a medical device; not for diagnosis."
DATA = [
    "open_ms: patient 26's images and mask, lesion masks of 17 others, tissue maps of 5 (Lesjak et al. 2017, CC-BY)",
    "MS3SEG: 9 patients of Tabriz, 10 exams (Bashiri Bawil et al., CC BY 4.0)",
    "MSLesSeg: 1 patient of Catania, 3 visits (Guarnera et al. 2025, CC BY 4.0 by a second-hand statement)",
    "MNI ICBM152 2009a tissue maps",
]
NOT_CHOSEN_YET = OperatingPoint(temperature=1.0, threshold=0.5, min_lesion_mm3=3.0)


def draft_description(plan: Plan) -> ModelDescription:
    """How a run's networks are used before an operating point is chosen."""
    files = [{"name": "weights.safetensors", "sha256": "0" * 64}]
    return ModelDescription.model_validate(_document(plan, (), course=(), metrics={}, files=files))


def write_bundle(
    folder: Path,
    network: nn.Module,
    plan: Plan,
    points: Sequence[AcquisitionPoint],
    *,
    course: Sequence[str],
    card: str,
    metrics: Mapping[str, Any],
) -> None:
    """Write description, weights and card into an existing folder. metrics: what judging found, for the record."""
    path = folder / "weights.safetensors"
    save_weights(network, path)
    files = [{"name": path.name, "sha256": compute_sha256(path)}]
    document = _document(plan, points, course=course, metrics=metrics, files=files)
    ModelDescription.model_validate_json(json.dumps(document))
    (folder / "model.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(card, encoding="utf-8")


def _document(
    plan: Plan,
    points: Sequence[AcquisitionPoint],
    *,
    course: Sequence[str],
    metrics: Mapping[str, Any],
    files: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    default = points[0] if points else NOT_CHOSEN_YET
    return {
        "name": SHIPPED_MODEL,
        "version": plan.version,
        "created": date.today().isoformat(),
        "licence": "Apache-2.0",
        "intended_use": INTENDED_USE,
        **make_inference_facts(plan.recipe(plan.stages[-1]), default),
        "acquisitions": [point.model_dump() for point in points],
        "training": {
            "data": DATA,
            "left_out": [],
            "stages": [asdict(stage) for stage in plan.stages],
            "kind_shares": dict(plan.kind_shares),
            "center_shares": dict(plan.center_shares),
            "folds": 1,
            "seed": plan.seed,
            "course": list(course),
            "software": f"MSSoftSegLib {VERSION}, torch {torch.__version__}",
        },
        "metrics": dict(metrics),
        "files": list(files),
    }
