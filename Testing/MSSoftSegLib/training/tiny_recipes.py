"""Recipes small enough to train in seconds; made from the ones that ship, so that the schema stays honest."""

from __future__ import annotations

from typing import Any

from MSSoftSegLib.training.recipe import Recipe, find_recipe, parse_recipe

INPUTS = [{"modality": m, "required": m == "flair"} for m in ("flair", "t1", "t2")]


def tiny_recipe(**changes: Any) -> Recipe:
    """A 2D recipe of 8 steps; changes replace values by dotted key, with ``__`` for the dot."""
    document = find_recipe("barilan-sl").model_dump(mode="json", exclude_none=True)
    document |= {
        "name": "tiny",
        "network": {"kind": "unet-2d", "widths": [8, 16]},
        "loss": [{"name": "soft-dice"}, {"name": "soft-bce"}],
        "sampling": {"mode": "slice", "size": [24, 24], "batch": 2, "lesion_share": 1.0},
        "augmentation": {"flip": 0.5, "rotation_deg": 10.0, "gamma": 0.2},
        "postprocessing": {},
    }
    document["data"] |= {"inputs": INPUTS, "validation": 0.25}
    document["training"] = {
        "phases": [{"epochs": 2, "optimizer": "adamw", "rate": 1e-2, "schedule": "poly"}],
        "steps_per_epoch": 4,
        "seed": 3,
        "checkpoint_steps": 2,
    }
    for key, value in changes.items():
        *tables, last = key.split("__")
        table = document
        for name in tables:
            table = table[name]
        table[last] = value
    return parse_recipe(document, file_name="tiny")


def tiny_patch_recipe(**changes: Any) -> Recipe:
    """The same with a 3D network on patches."""
    return tiny_recipe(
        **{
            "network": {"kind": "dynunet", "filters": [4, 8, 8], "deep_supervision": True},
            "sampling": {"mode": "patch", "size": [16, 16, 16], "batch": 2, "lesion_share": 0.5},
            **changes,
        }
    )
