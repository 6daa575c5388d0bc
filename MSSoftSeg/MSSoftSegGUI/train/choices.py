"""What a user chooses for a training, and the document that says it to a job."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MSSoftSegGUI.widgets.translation import tr as _

# What a bundle may be called (its folder's name), as the library demands it.
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
APPROVED, CORRECTED = "approved", "corrected"


@dataclass(frozen=True)
class TrainChoices:
    """One training. library: a folder; recipe: a name or a file; init: the model to start from, "" = from nothing.

    with_corrected: cases that were corrected and not approved are trained on, too. epochs, folds: 0 = as the recipe says, and
    one part held out. name: of the new model.
    """

    library: str = ""
    with_corrected: bool = False
    recipe: str = ""
    init: str = ""
    epochs: int = 0
    folds: int = 0
    device: str = "auto"
    name: str = ""

    def problem(self) -> str:
        """What is still to be chosen, or "" where a job can be asked."""
        if not self.library:
            return _("Choose the case library to learn from.")
        if not self.recipe:
            return _("Choose a recipe.")
        if not MODEL_NAME.fullmatch(self.name):
            return _("Name the new model: letters A–Z, digits, dots, dashes and underscores, at most 64 of them.")
        return ""

    def spec(self, models: Path) -> dict[str, Any]:
        """The ``train`` job's document; models: the folder in which the new model appears."""
        return {
            "library": self.library,
            "recipe": self.recipe,
            "out": str(models / self.name),
            "statuses": [APPROVED, *([CORRECTED] if self.with_corrected else [])],
            "init": self.init or None,
            "epochs": self.epochs or None,
            "folds": self.folds or None,
            "device": self.device,
        }


def suggest_name(library: str, taken: set[str], today: datetime.date) -> str:
    """A name for a model of this library that none has yet; taken: the names that are in use."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(library).name).strip("-._")[:40] or "model"
    name = f"{plain}-{today:%Y-%m-%d}"
    number = 2
    while name in taken:
        name = f"{plain}-{today:%Y-%m-%d}-{number}"
        number += 1
    return name


def name_run_folder(spec: dict[str, Any]) -> Path:
    """Where the training of this document keeps checkpoints and pictures: beside the model."""
    out = Path(str(spec.get("out", "")))
    return out.parent / f"{out.name}.run"
