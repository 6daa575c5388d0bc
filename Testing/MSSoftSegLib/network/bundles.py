"""Small bundles with random weights for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import nn

from MSSoftSegLib.network.building import build_network
from MSSoftSegLib.network.description import ModelDescription, NetworkDescription
from MSSoftSegLib.network.weights import save_weights


def write_random_bundle(
    folder: Path,
    *,
    widths: tuple[int, ...] = (4, 6, 8),
    folds: int = 1,
    seed: int = 0,
    network: dict[str, Any] | None = None,
    prepare: Callable[[nn.Module], object] = lambda network: None,
) -> Path:
    """A valid bundle in a new folder; the model is called as the folder is.

    network: its description, a lesion U-Net of these widths if None. prepare: what is done to each network before it is saved.
    """
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    described = network or {"kind": "lesion-unet", "widths": list(widths)}
    files = []
    for fold in range(folds):
        path = folder / ("weights.safetensors" if folds == 1 else f"weights-{fold}.safetensors")
        built = build_network(TypeAdapter(NetworkDescription).validate_python(described), input_channels=3)
        prepare(built)
        save_weights(built, path)
        files.append({"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    description = ModelDescription.model_validate(
        {
            "name": folder.name,
            "version": "0",
            "created": "2026-01-01",
            "licence": "Apache-2.0",
            "intended_use": "tests",
            "inputs": [{"modality": m, "required": m == "flair"} for m in ("flair", "t1", "t2")],
            "spacing_mm": 1.0,
            "normalization": "median-iqr",
            "network": described,
            "activation": "sigmoid",
            "tta": "flips8",
            "threshold": 0.5,
            "min_lesion_mm3": 3.0,
            "calibration": {"temperature": 1.0},
            "recipe": {"name": "random"},
            "training": {},
            "metrics": {},
            "files": files,
        }
    )
    (folder / "model.json").write_text(description.model_dump_json(indent=2))
    (folder / "card.md").write_text("# Random weights\n\nFor tests.\n")
    return folder
