"""The arms of the study: each recipe, and the variants that single claims speak of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from MSSoftSegLib.training.recipe import Recipe, find_recipe, parse_recipe


@dataclass(frozen=True)
class Arm:
    """One way to train. changes: by dotted key of the recipe. teacher: the arm whose models make the pseudo-labels."""

    name: str
    recipe: str
    changes: dict[str, Any] = field(default_factory=dict)
    teacher: str | None = None

    def resolved(self) -> Recipe:
        """The arm's recipe; its name is the arm's."""
        document = find_recipe(self.recipe).model_dump(mode="json", exclude_none=True)
        for key, value in {"name": self.name, **self.changes}.items():
            *tables, last = key.split(".")
            table = document
            for name in tables:
                table = table[name]
            table[last] = value
        return parse_recipe(document, file_name=self.name)


def _same(name: str, *, teacher: str | None = None) -> Arm:
    return Arm(name, name, teacher=teacher)


# One arm for each published recipe and its twins.
RECIPES = (
    _same("kats2019"),
    _same("kats2019-binary"),
    _same("softseg2020"),
    _same("softseg2020-binary"),
    _same("softseg2020-without-soft-labels"),
    _same("softseg2020-without-normalized-relu"),
    _same("softseg2020-without-adaptive-wing"),
    _same("groza2020"),
    _same("groza2020-binary"),
    _same("barilan-intersection"),
    _same("barilan-union"),
    _same("barilan-sl"),
    _same("barilan-ssl", teacher="barilan-sl"),
    _same("mssoftseg"),
)
# What the tables of Kats and of the thesis vary, for claims C2, C7, C8, C9 and C11.
VARIANTS = (
    *(Arm(f"kats2019-{size}", "kats2019", {"labels.size_percent": size}) for size in (110, 130, 140)),
    *(Arm(f"kats2019-gamma-{gamma}", "kats2019", {"labels.gamma": gamma}) for gamma in (0.2, 0.4)),
    _same("barilan-intersection-soft"),
    _same("barilan-union-soft"),
    *(Arm(f"barilan-gamma-{gamma}", "barilan-sl", {"labels.gamma": gamma}) for gamma in (0.1, 0.3, 0.7)),
    *(Arm(f"barilan-{radius}mm", "barilan-sl", {"labels.radius_mm": radius}) for radius in (2, 3)),
    Arm("barilan-ssl-binary", "barilan-ssl", {"pseudo_labels.mode": "binary"}, teacher="barilan-sl"),
    Arm("barilan-sl-binary", "barilan-sl", {"labels.binarize": True}),
    Arm("mssoftseg-binary", "mssoftseg", {"labels.binarize": True}),
)
# Each soft recipe and the same with binary labels.
SOFT_AND_BINARY = tuple((soft, f"{soft}-binary") for soft in ("kats2019", "softseg2020", "barilan-sl", "mssoftseg"))
ARMS = {arm.name: arm for arm in (*RECIPES, *VARIANTS)}
