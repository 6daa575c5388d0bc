"""Recipes for tests: everything at its default but what a test names."""

from __future__ import annotations

from MSSoftSegLib.training.recipe import Recipe, parse_recipe

# Every part of augmentation at once, far beyond what a recipe asks for.
EVERYTHING = {
    "rotation_deg": 40.0,
    "scale": 0.2,
    "elastic_mm": 3.0,
    "flip": 0.5,
    "quarter_turns": True,
    "transpose": 0.5,
    "gamma": 0.4,
    "brightness": 0.5,
    "contrast": 0.4,
    "bias": 0.3,
    "noise": 0.3,
    "blur_mm": 1.5,
    "thick_slices_mm": 5.0,
    "modality_dropout": 0.5,
}


def small_recipe(**parts) -> Recipe:
    """A 3D recipe with patches of 16³ voxels; a part given as a dict is laid over the default one."""
    document = {
        "name": "small",
        "title": "small",
        "source": "a test",
        "data": {
            "inputs": [
                {"modality": "flair", "required": True},
                {"modality": "t1", "required": False},
                {"modality": "t2", "required": False},
            ]
        },
        "labels": {"merge": "soft-union", "method": "none", "gamma": 0.37},
        "network": {"kind": "lesion-unet", "widths": [4, 8]},
        "loss": [{"name": "soft-bce"}],
        "sampling": {"mode": "patch", "size": [16, 16, 16], "batch": 2, "lesion_share": 0.5},
        "training": {"steps_per_epoch": 2, "phases": [{"epochs": 1, "rate": 1e-3}]},
    }
    for name, part in parts.items():
        document[name] = {**document.get(name, {}), **part} if isinstance(part, dict) else part
    if document["sampling"]["mode"] == "slice":
        document["network"] = {"kind": "unet-2d", "widths": [4, 8]}
    return parse_recipe(document, file_name="small.toml")
