"""How large a study is: the publications' own set-up, or what two cores can do, or a test of the machinery."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from MSSoftSegLib.study.arms import RECIPES, SOFT_AND_BINARY, VARIANTS
from MSSoftSegLib.training.engine.schedule import set_epochs
from MSSoftSegLib.training.recipe import Phase, Recipe, parse_recipe


@dataclass(frozen=True)
class StudySize:
    """patients with two raters, unlabelled ones for students; each of ``seeds`` repetitions trains with its own seed.

    every_fold: each seed trains on all folds; otherwise seed s trains on fold s only, so that the seeds together test every
    patient once. networks: for each kind of network what replaces its size, None = the recipe's own. patient_spacing_mm:
    of the digital patients. steps: optimizer steps by kind, None = the recipe's own. only_flair_required: other contrasts
    may be missing, in every arm.
    """

    name: str
    patients: int
    unlabeled: int
    folds: int
    seeds: int
    every_fold: bool
    arms: tuple[str, ...]
    patient_spacing_mm: float = 1.0
    networks: dict[str, dict[str, Any]] | None = None
    sampling: dict[str, dict[str, Any]] | None = None
    steps: dict[str, int] | None = None
    rates: dict[str, float] = field(default_factory=dict)
    epochs: int = 2
    tta: tuple[str, ...] = ()
    only_flair_required: bool = False

    def scaled(self, recipe: Recipe) -> Recipe:
        """The recipe at this size; what it is about — labels, loss, activation, augmentation — stays."""
        if self.networks is None or self.sampling is None or self.steps is None:
            return recipe
        kind = recipe.network.kind
        document = recipe.model_dump(mode="json", exclude_none=True)
        document["network"].update(self.networks[kind])
        document["sampling"].update(self.sampling[kind])
        document["data"]["spacing_mm"] = self.patient_spacing_mm
        if self.only_flair_required:
            for entry in document["data"]["inputs"]:
                entry["required"] = entry["modality"] == "flair"
        training = set_epochs(recipe.training, max(self.epochs, len(recipe.training.phases)))
        planned = sum(phase.epochs for phase in training.phases)
        document["training"] = {
            **training.model_dump(mode="json", exclude_none=True),
            "steps_per_epoch": max(1, self.steps[kind] // planned),
            "models": 1,
            "phases": [self._phase(phase, kind) for phase in training.phases],
        }
        return parse_recipe(document, file_name=recipe.name)

    def _phase(self, phase: Phase, kind: str) -> dict[str, Any]:
        """A short phase: the recipe's optimizer, at the size's rate, falling to 0 with the steps."""
        changed = phase.model_copy(update={"rate": self.rates[kind], "schedule": "poly", "lowest_rate": 0.0})
        return changed.model_dump(mode="json", exclude_none=True)


_CORE = tuple(arm.name for arm in RECIPES)
_ALL = tuple(arm.name for arm in (*RECIPES, *VARIANTS))

SMOKE = StudySize(
    name="smoke",
    patients=4,
    unlabeled=1,
    folds=2,
    seeds=1,
    every_fold=False,
    arms=("kats2019", "kats2019-binary", "barilan-sl", "barilan-ssl", "mssoftseg"),
    patient_spacing_mm=2.0,
    networks={
        "unet-2d": {"widths": [8, 16]},
        "linknet-2d": {"layers": [1, 1, 1, 1]},
        "dynunet": {"filters": [8, 16, 16]},
        "lesion-unet": {"widths": [8, 16]},
    },
    sampling={
        "unet-2d": {"size": [48, 48], "batch": 4},
        "linknet-2d": {"size": [64, 64], "batch": 2},
        "dynunet": {"size": [64, 64, 64], "batch": 1},
        "lesion-unet": {"size": [32, 32, 32], "batch": 2, "mode": "patch"},
    },
    steps={"unet-2d": 8, "linknet-2d": 4, "dynunet": 8, "lesion-unet": 8},
    rates={"unet-2d": 1e-3, "linknet-2d": 1e-3, "dynunet": 3e-3, "lesion-unet": 3e-3},
    epochs=1,
    tta=("mssoftseg",),
)
WORKSTATION = StudySize(
    name="workstation",
    patients=12,
    unlabeled=4,
    folds=3,
    seeds=3,
    every_fold=False,
    arms=_CORE,
    networks={
        "unet-2d": {"widths": [16, 32, 64, 128]},
        "linknet-2d": {"layers": [1, 1, 1, 1]},
        "dynunet": {"filters": [8, 16, 32, 64]},
        "lesion-unet": {"widths": [16, 32, 64, 96]},
    },
    sampling={
        "unet-2d": {"size": [128, 128], "batch": 8},
        "linknet-2d": {"size": [128, 128], "batch": 4},
        "dynunet": {"size": [80, 96, 80], "batch": 1},
        "lesion-unet": {"size": [96, 112, 96], "batch": 1, "mode": "patch"},
    },
    steps={"unet-2d": 300, "linknet-2d": 300, "dynunet": 160, "lesion-unet": 160},
    rates={"unet-2d": 1e-3, "linknet-2d": 1e-3, "dynunet": 3e-3, "lesion-unet": 3e-3},
    tta=("kats2019", "mssoftseg"),
)
# Each soft recipe against its binary self, for a few patients: all of them are tested by every seed.
PAIRED = replace(
    WORKSTATION,
    name="paired",
    folds=4,
    seeds=2,
    every_fold=True,
    arms=tuple(arm for pair in SOFT_AND_BINARY for arm in pair),
    tta=(),
    # Clinical exams lack contrasts; leaving their patients out would be a choice of patients.
    only_flair_required=True,
)
FULL = StudySize(name="full", patients=20, unlabeled=20, folds=5, seeds=3, every_fold=True, arms=_ALL, tta=_ALL)
SIZES = {size.name: size for size in (SMOKE, WORKSTATION, PAIRED, FULL)}
