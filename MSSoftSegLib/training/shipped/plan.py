"""The stages of the model that ships, as data."""

from __future__ import annotations

from dataclasses import dataclass

from MSSoftSegLib.training.recipe import Recipe, find_recipe
from MSSoftSegLib.training.synthesis.fields import Shape

RECIPE = "mssoftseg-synthetic"
WHOLE_BRAINS = {"mode": "whole", "size": (), "batch": 1}


@dataclass(frozen=True)
class Stage:
    """Training that begins with the weights of the stage before.

    mode: 'patch', or 'whole' for whole brains, whose statistics are near those of a window in use. real_share: of samples that
    come from the real labelled exam; where it is 0 the exam's lesions are left out of the synthetic patients too.
    """

    name: str
    mode: str
    epochs: int
    steps_per_epoch: int
    rate: float
    real_share: float = 0.0


@dataclass(frozen=True)
class Plan:
    """held_out: the real labelled exam's patient. The stages up to ``judged`` never see her, and she judges them."""

    stages: tuple[Stage, ...]
    judged: str = "whole"
    held_out: str = "patient26"
    shape: Shape = (144, 176, 144)
    patch: Shape = (80, 96, 80)
    widths: tuple[int, ...] = (24, 48, 96, 128)
    validation_patients: int = 10
    version: str = "0.3.0"
    seed: int = 1

    def recipe(self, stage: Stage) -> Recipe:
        """The recipe of one stage: the shipped recipe with the stage's course."""
        recipe = find_recipe(RECIPE)
        phase = recipe.training.phases[0].model_copy(update={"epochs": stage.epochs, "rate": stage.rate})
        course = {"phases": (phase,), "steps_per_epoch": stage.steps_per_epoch, "seed": self.seed}
        sampling = WHOLE_BRAINS if stage.mode == "whole" else {"size": self.patch}
        changes = {
            "training": recipe.training.model_copy(update=course),
            "sampling": recipe.sampling.model_copy(update=sampling),
            "network": recipe.network.model_copy(update={"widths": self.widths}),
        }
        return Recipe.model_validate(recipe.model_copy(update=changes).model_dump())


FULL = Plan(
    stages=(
        Stage("patches", "patch", epochs=28, steps_per_epoch=250, rate=1.5e-3),
        Stage("whole", "whole", epochs=3, steps_per_epoch=20, rate=3e-4),
        Stage("patches-with-real", "patch", epochs=4, steps_per_epoch=200, rate=5e-4, real_share=0.25),
        Stage("whole-with-real", "whole", epochs=2, steps_per_epoch=20, rate=2e-4, real_share=0.25),
    )
)
# Minutes become seconds; proves that every stage runs, nothing else.
SMOKE = Plan(
    stages=(
        Stage("patches", "patch", epochs=1, steps_per_epoch=2, rate=1e-3),
        Stage("whole", "whole", epochs=1, steps_per_epoch=1, rate=1e-3),
        Stage("patches-with-real", "patch", epochs=1, steps_per_epoch=2, rate=1e-3, real_share=0.5),
    ),
    shape=(32, 40, 32),
    patch=(16, 24, 16),
    widths=(4, 6, 8),
    validation_patients=2,
)
