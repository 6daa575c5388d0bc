"""The course of the model that ships, as data: which cases, how often each kind is shown, and the stages of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from MSSoftSegLib.training.recipe import Recipe, find_recipe
from MSSoftSegLib.training.shipped.cohort import CohortPlan, Kind
from MSSoftSegLib.training.synthesis.fields import Shape

RECIPE = "mssoftseg-fullres"
FULL_COHORT = CohortPlan()
EVERY_KIND: tuple[Kind, ...] = ("real", "planted", "filled", "synthetic")


@dataclass(frozen=True)
class Stage:
    """Training that begins with the weights of the stage before. kinds: of cases that are shown. patch: None = the plan's."""

    name: str
    steps: int
    rate: float
    schedule: Literal["constant", "cosine"] = "constant"
    kinds: tuple[Kind, ...] = EVERY_KIND
    patch: Shape | None = None


@dataclass(frozen=True)
class Plan:
    """stages: of the model that ships, on every patient. judged: of each model that a center or a fold of patients is
    withheld from; the first of them shows synthetic patients alone and is shared.

    kind_shares: of the samples; center_shares: of the samples of one kind, over the centers that there are. patch and filters:
    None = as the recipe has them.
    """

    stages: tuple[Stage, ...]
    judged: tuple[Stage, ...]
    cohort: CohortPlan = FULL_COHORT
    kind_shares: tuple[tuple[Kind, float], ...] = (
        ("real", 0.48),
        ("planted", 0.18),
        ("filled", 0.12),
        ("synthetic", 0.22),
    )
    center_shares: tuple[tuple[str, float], ...] = (("ljubljana", 0.20), ("catania", 0.25), ("tabriz", 0.55))
    patch: Shape | None = None
    filters: tuple[int, ...] | None = None
    steps_per_epoch: int = 250  # about; a stage has the steps that it states
    version: str = "0.5.2"
    seed: int = 11

    def recipe(self, stage: Stage) -> Recipe:
        """The recipe of one stage: the shipped recipe with the stage's course."""
        recipe = find_recipe(RECIPE)
        epochs = max(1, stage.steps // self.steps_per_epoch)
        schedule = {"epochs": epochs, "rate": stage.rate, "schedule": stage.schedule}
        phase = recipe.training.phases[0].model_copy(update=schedule)
        course = {"phases": (phase,), "steps_per_epoch": stage.steps // epochs, "seed": self.seed}
        changes: dict[str, object] = {"training": recipe.training.model_copy(update=course)}
        patch = stage.patch or self.patch
        if patch is not None:
            changes["sampling"] = recipe.sampling.model_copy(update={"size": patch})
        if self.filters is not None:
            changes["network"] = recipe.network.model_copy(update={"filters": self.filters})
        return Recipe.model_validate(recipe.model_copy(update=changes).model_dump())


FULL = Plan(
    stages=(
        Stage("first", steps=500, rate=2.5e-3),
        Stage("second", steps=750, rate=2.5e-3),
        Stage("third", steps=3500, rate=2.5e-3, schedule="cosine"),
        Stage("last", steps=6000, rate=2e-3, schedule="cosine"),
        # In use instance normalization sees whole brains, whose statistics are not those of patches: these few steps halved the
        # false lesions of filled brains (Resources/Models/starter/card.md).
        Stage("whole", steps=150, rate=4e-4, schedule="cosine", patch=(144, 176, 144)),
        Stage("whole-again", steps=300, rate=6e-4, schedule="cosine", patch=(144, 176, 144)),
    ),
    judged=(
        Stage("synthetic", steps=500, rate=2.5e-3, kinds=("synthetic",)),
        Stage("patches", steps=2500, rate=2e-3, schedule="cosine"),
        Stage("whole", steps=150, rate=5e-4, schedule="cosine", patch=(144, 176, 144)),
    ),
)
# Minutes become seconds; proves that every stage runs, nothing else.
SMOKE = Plan(
    stages=(Stage("first", steps=2, rate=1e-3), Stage("last", steps=2, rate=1e-3, schedule="cosine")),
    judged=(
        Stage("synthetic", steps=1, rate=1e-3, kinds=("synthetic",)),
        Stage("patches", steps=1, rate=1e-3, schedule="cosine"),
        Stage("whole", steps=1, rate=1e-3, schedule="cosine", patch=(24, 32, 24)),
    ),
    cohort=CohortPlan(planted=(("ljubljana", 1), ("catania", 1), ("tabriz", 1)), synthetic=2, shape=(32, 40, 32)),
    patch=(16, 24, 16),
    filters=(2, 4, 6),
)
