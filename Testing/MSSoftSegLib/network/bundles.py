"""Small bundles with random weights for tests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from MSSoftSegLib.network.architecture import LesionUNet
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.weights import save_weights


def write_random_bundle(folder: Path, *, widths: tuple[int, ...] = (4, 6, 8), folds: int = 1, seed: int = 0) -> Path:
    """A valid bundle in a new folder; the model is called as the folder is."""
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    files = []
    for fold in range(folds):
        path = folder / ("weights.safetensors" if folds == 1 else f"weights-{fold}.safetensors")
        save_weights(LesionUNet(input_channels=3, widths=widths), path)
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
            "network": {"kind": "lesion-unet", "widths": list(widths)},
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
