"""Recipes: how a model is made, as data. One TOML file each in ``Resources/Recipes``; unknown keys are refused.

A recipe may say ``extends = "another"`` and then states only what differs: twins differ in the named things by construction.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from MSSoftSegLib.errors import BadRecipe, RequestError
from MSSoftSegLib.exam.plain_text import decode_text
from MSSoftSegLib.frozen_model import FrozenModel
from MSSoftSegLib.inference.pseudo_label_settings import PseudoLabelChoices
from MSSoftSegLib.network.description import (
    Activation,
    LesionUNetDescription,
    ModelInput,
    ModelName,
    NetworkDescription,
    Side,
    name_key,
)
from MSSoftSegLib.network.window import Window, window_in_use
from MSSoftSegLib.resources import find_resources
from MSSoftSegLib.softlabel.settings import SoftLabelSettings

Share = Annotated[float, Field(ge=0, le=1)]
LossName = Literal["soft-dice", "soft-bce", "dice-semimetric", "adaptive-wing", "focal-tversky"]


class DataSettings(FrozenModel):
    """What the network is shown.

    raters: all of a case's raters, or only the first by name (Kats). validation: share of the *patients* held out where
    no folds are asked for. margin_mm: background kept around the brain.
    """

    inputs: tuple[ModelInput, ...] = Field(min_length=1)
    spacing_mm: float = Field(default=1.0, ge=0.5, le=3.0)
    normalization: Literal["z-score", "median-iqr"] = "z-score"
    raters: Literal["all", "first"] = "all"
    validation: Share = 0.2


class LabelSettings(SoftLabelSettings, frozen=True):
    """The soft mask that is trained on. binarize: cut it at 0.5 after resampling and augmentation (conventional twins)."""

    binarize: bool = False


class ActivationSettings(FrozenModel):
    """Last activation. floor: a maximum below it is not stretched to 1 (normalized-relu only)."""

    name: Activation = "sigmoid"
    floor: float = Field(default=1.0, gt=0)


class LossTerm(FrozenModel):
    """One term of the loss, by its weight in the sum."""

    name: LossName
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)


class SamplingSettings(FrozenModel):
    """Which part of a case one sample is.

    mode: 'patch' (3D), 'slice' (axial 2D), 'whole' (whole brain). size: z, y, x in voxels; for slices y, x.
    lesion_share: samples centered on a voxel with a label above 0; for slices, those that hold one (1 = slices without
    lesion are excluded from training).
    """

    mode: Literal["patch", "slice", "whole"]
    size: tuple[int, ...] = ()
    batch: int = Field(default=2, ge=1)
    lesion_share: Share = 0.5

    @model_validator(mode="after")
    def _size_fits_the_mode(self) -> SamplingSettings:
        wanted = {"patch": 3, "slice": 2, "whole": 0}[self.mode]
        if len(self.size) != wanted or any(side < 8 for side in self.size):
            raise ValueError(f"sampling.size of mode {self.mode!r} has {wanted} numbers, each at least 8")
        return self


class AugmentationSettings(FrozenModel):
    """Limits of what is drawn for each sample; 0 or an empty tuple turns a part off. Labels stay float throughout.

    rotation_deg: about each axis (2D: in the slice). scale: relative size ± this. elastic_mm: largest displacement.
    flip: chance per axis. quarter_turns: random multiples of 90° in the axial plane; transpose: axial rows and columns
    swapped, chance. gamma, brightness, contrast: relative ± this. bias: relative amplitude of a smooth field. noise: SD in
    units of the normalized image. blur_mm: largest Gaussian SD. thick_slices_mm: largest slice thickness along a random
    axis. modality_dropout: chance that one non-required input is blanked.
    """

    rotation_deg: float = Field(default=0.0, ge=0, le=180)
    scale: float = Field(default=0.0, ge=0, lt=1)
    elastic_mm: float = Field(default=0.0, ge=0)
    flip: Share = 0.0
    quarter_turns: bool = False
    transpose: Share = 0.0
    gamma: float = Field(default=0.0, ge=0, lt=1)
    brightness: float = Field(default=0.0, ge=0)
    contrast: float = Field(default=0.0, ge=0, lt=1)
    bias: float = Field(default=0.0, ge=0, lt=1)
    noise: float = Field(default=0.0, ge=0)
    blur_mm: float = Field(default=0.0, ge=0)
    thick_slices_mm: float = Field(default=0.0, ge=0)
    modality_dropout: Share = 0.0


class Phase(FrozenModel):
    """One stretch of training. schedule: poly is (1 − t)^0.9; cyclic is a triangle from lowest_rate to rate; plateau halves
    the rate when validation stalls for ``patience`` epochs."""

    epochs: int = Field(ge=1)
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    rate: float = Field(gt=0, allow_inf_nan=False)
    lowest_rate: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "cosine", "poly", "plateau", "cyclic"] = "constant"
    cycle_steps: int = Field(default=200, ge=2)
    patience: int = Field(default=5, ge=1)
    weight_decay: float = Field(default=0.0, ge=0)
    momentum: float = Field(default=0.99, ge=0, lt=1)


class TrainingSettings(FrozenModel):
    """The schedule. models: identical models averaged, differing in their seed. early_stop: epochs without improvement,
    None = never. average_decay: of the running mean of the weights, None = none is kept."""

    phases: tuple[Phase, ...] = Field(min_length=1)
    steps_per_epoch: int = Field(ge=1)
    models: int = Field(default=1, ge=1)
    seed: int = Field(default=1, ge=0)
    gradient_clip: float | None = Field(default=12.0, gt=0)
    average_decay: float | None = Field(default=None, gt=0, lt=1)
    early_stop: int | None = Field(default=None, ge=1)
    checkpoint_steps: int = Field(default=200, ge=1)


class PostprocessingSettings(FrozenModel):
    """threshold: None = the one with the highest mean DSC on the training folds. Components of at most
    drop_up_to_mm3 are dropped; None = chosen on the training folds too. calibrate: fit a temperature. window: (z, y, x), what
    the network sees at a time in use (network/window.py); None = a DynUNet's patch, else the whole brain."""

    threshold: float | None = Field(default=None, gt=0, lt=1)
    drop_up_to_mm3: float | None = Field(default=None, ge=0)
    calibrate: bool = False
    tta: Literal["flips8", "none"] = "none"
    window: tuple[Side, Side, Side] | None = None


class PseudoLabelSettings(PseudoLabelChoices, frozen=True):
    """Semi-supervised learning (Docs/methods.md section 4). share: of samples that come from pseudo-labelled cases. weight: λ
    of their loss."""

    share: Share = 0.5
    weight: float = Field(default=1.0, gt=0)


class AdaptationSize(FrozenModel):
    """What is done with a library of up to ``patients`` labelled patients; without it, with any number.

    frozen: parameters whose names begin so do not learn. rate, epochs: of the only phase. rehearsal: share of samples from
    digital patients labelled by the model that is adapted. validation: share of the patients held out. cross_fit: folds whose
    models choose the operating point on patients that they have not seen (adaptation/cross_fit.py); 0 = none.
    """

    patients: int | None = Field(default=None, ge=1)
    frozen: tuple[str, ...] = ()
    rate: float = Field(gt=0, allow_inf_nan=False)
    epochs: int = Field(ge=1)
    rehearsal: Share = 0.5
    validation: Share = 0.2
    cross_fit: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_way_to_hold_out(self) -> AdaptationSize:
        if self.cross_fit == 1 or (self.cross_fit and self.validation):
            raise ValueError("adaptation.sizes: cross_fit is 0, or 2 folds or more and validation 0")
        return self


class AdaptationSettings(FrozenModel):
    """How a model that exists is adapted to few cases (``--init``); the first size that fits is taken.

    rehearsal_patients: digital patients that are rehearsed; base_patients: others, on which it is measured what was forgotten;
    base_spacing_mm: their voxels. operating_point_patients: with fewer held-out patients, the threshold, the temperature
    and the smallest lesion of the model that is adapted are kept.
    """

    sizes: tuple[AdaptationSize, ...] = Field(min_length=1)
    rehearsal_patients: int = Field(default=8, ge=1)
    base_patients: int = Field(default=4, ge=1)
    base_spacing_mm: float = Field(default=1.0, ge=1, le=3)
    operating_point_patients: int = Field(default=5, ge=1)

    @model_validator(mode="after")
    def _sizes_rise(self) -> AdaptationSettings:
        limits = [size.patients for size in self.sizes]
        numbers = [limit for limit in limits[:-1] if limit is not None]
        if limits[-1] is not None or len(numbers) != len(limits) - 1 or numbers != sorted(set(numbers)):
            raise ValueError("adaptation.sizes rise in patients, and the last one says no number")
        return self


class Recipe(FrozenModel):
    """All of one recipe. source: the publication; notes: where we had to choose, and what."""

    schema_version: Literal[1] = 1
    name: ModelName
    title: str
    source: str
    notes: tuple[str, ...] = ()
    data: DataSettings
    labels: LabelSettings
    network: NetworkDescription
    activation: ActivationSettings = ActivationSettings()
    loss: tuple[LossTerm, ...] = Field(min_length=1)
    sampling: SamplingSettings
    augmentation: AugmentationSettings = AugmentationSettings()
    training: TrainingSettings
    postprocessing: PostprocessingSettings = PostprocessingSettings()
    pseudo_labels: PseudoLabelSettings | None = None
    adaptation: AdaptationSettings | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        flat = self.network.kind.endswith("-2d")
        if flat != (self.sampling.mode == "slice"):
            raise ValueError(f"network {self.network.kind!r} does not go with sampling mode {self.sampling.mode!r}")
        if isinstance(self.network, LesionUNetDescription):
            self.network.check_sides("sampling.size", self.sampling.size)
            self.network.check_sides("postprocessing.window", self.postprocessing.window or ())
        if flat and self.postprocessing.window is not None:
            raise ValueError("postprocessing.window is for 3D networks: a 2D network sees whole slices")
        return self

    @property
    def window(self) -> Window | None:
        """What the network sees at a time in use (z, y, x; network/window.py); None = the whole brain."""
        sampling = self.sampling
        return window_in_use(self.postprocessing.window, self.network, mode=sampling.mode, size=sampling.size)


def find_recipes_folder() -> Path:
    """Where the recipes that ship lie."""
    return find_resources() / "Recipes"


def list_recipe_names() -> list[str]:
    """The recipes that ship."""
    return sorted(path.stem for path in find_recipes_folder().glob("*.toml"))


def find_recipe(name_or_file: str) -> Recipe:
    """The recipe of that name, or in that file; BadRecipe names the key that does not hold."""
    path = find_recipes_folder() / f"{name_or_file}.toml"
    if name_or_file not in list_recipe_names():
        path = Path(name_or_file)
        if not path.is_file():
            raise RequestError(
                f"no recipe is called {path.name!r}",
                remedy=f"choose one of {', '.join(list_recipe_names())}, or give a file",
            )
    return parse_recipe(_resolved(path, ()), file_name=path.name)


def parse_recipe(document: dict[str, Any], *, file_name: str) -> Recipe:
    """The recipe that a document describes."""
    try:
        return Recipe.model_validate(document)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = name_key(first["loc"])
        reason = "is not a key of recipes" if first["type"] == "extra_forbidden" else first["msg"]
        raise BadRecipe(f"{file_name}: {key}: {reason}", remedy="see mssoftseg recipes show mssoftseg") from None


def _resolved(path: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    """The document with everything that it extends filled in: tables key by key, anything else replaced as a whole."""
    try:
        document = tomllib.loads(decode_text(path.read_bytes()))
    except UnicodeDecodeError:
        raise BadRecipe(f"{path.name} is not text in UTF-8", remedy="save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise BadRecipe(f"{path.name} is not TOML: {problem}", remedy="mend the file") from None
    base_name = document.pop("extends", None)
    if base_name is None:
        return document
    if base_name in seen or base_name not in list_recipe_names():
        raise BadRecipe(
            f"{path.name}: extends: {base_name!r} is no recipe that can be extended",
            remedy=f"choose one of {', '.join(list_recipe_names())}",
        )
    return _merged(_resolved(find_recipes_folder() / f"{base_name}.toml", (*seen, base_name)), document)


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        before = merged.get(key)
        same_kind = (
            isinstance(before, dict)
            and isinstance(value, dict)
            and value.get("kind", before.get("kind")) == before.get("kind")
        )
        merged[key] = _merged(before, value) if same_kind and isinstance(before, dict) else value
    return merged
