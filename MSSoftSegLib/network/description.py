"""``model.json``: what a bundle says of itself. No torch here: panels and listings read it too."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.frozen_model import FrozenModel
from MSSoftSegLib.network.operating_point import AcquisitionPoint, FittingPoint, OperatingPoint, choose_fitting_point

SCHEMA_VERSION = 1
NAME_RULE = (
    "a model's name is made of letters a–z, digits, '.', '_' and '-', at most 64 of them, the first a letter or digit"
)
# Names become folder names and are typed in shells.
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


# No network of use has more; a description of a stranger's must not take the whole memory.
Channels = Annotated[int, Field(ge=1, le=4096)]
Blocks = Annotated[int, Field(ge=1, le=64)]


class ModelInput(FrozenModel):
    """One network channel; an absent modality that is not required is given as zeros."""

    modality: Modality
    required: bool


class LesionUNetDescription(FrozenModel):
    """Shape of the LesionUNet (network/architecture.py): channels per level, the first at half resolution."""

    kind: Literal["lesion-unet"]
    widths: tuple[Channels, ...] = Field(min_length=2, max_length=5)

    def check_sides(self, name: str, sides: tuple[int, ...]) -> None:
        """ValueError that names the setting where the network cannot take a volume with these sides."""
        multiple = 2 ** len(self.widths)
        if any(side < multiple or side % multiple for side in sides):
            raise ValueError(f"{name} of a lesion-unet with these widths has multiples of {multiple} only")


class UNet2DDescription(FrozenModel):
    """Kats' 2D U-Net (network/unet_2d.py): channels per level, the first at full resolution; slices are axial.

    norm: 'none' as published by Kats; 'batch' is batch normalization, whose running statistics serve in use. dropout: of whole
    channels, in training.
    """

    kind: Literal["unet-2d"]
    widths: tuple[Channels, ...] = Field(min_length=2, max_length=6)
    norm: Literal["none", "batch"] = "none"
    dropout: float = Field(default=0.0, ge=0, lt=1)


class LinkNet2DDescription(FrozenModel):
    """Groza's 2D LinkNet (network/linknet_2d.py) on MONAI's SE-ResNeXt-50 encoder.

    layers: blocks per stage (3, 4, 6, 3 = SE-ResNeXt-50; fewer = a smaller preset of the same).
    """

    kind: Literal["linknet-2d"]
    layers: tuple[Blocks, Blocks, Blocks, Blocks] = (3, 4, 6, 3)


class DynUNetDescription(FrozenModel):
    """MONAI's DynUNet in the shape of nnU-Net's 3D full resolution (network/dynunet.py).

    filters: channels per level, the first at full resolution; each further level halves the grid.
    """

    kind: Literal["dynunet"]
    filters: tuple[Channels, ...] = Field(min_length=3, max_length=7)
    deep_supervision: bool = True


NetworkDescription = Annotated[
    LesionUNetDescription | UNet2DDescription | LinkNet2DDescription | DynUNetDescription, Field(discriminator="kind")
]
Activation = Literal["sigmoid", "normalized-relu"]
_NETWORK_KINDS = ("lesion-unet", "unet-2d", "linknet-2d", "dynunet")


def name_key(location: tuple[int | str, ...]) -> str:
    """The dotted key that a validation error is about, as the user's document spells it: without the network's kind."""
    kept = [
        part
        for before, part in zip((None, *location), location, strict=False)
        if not (before == "network" and part in _NETWORK_KINDS)
    ]
    return ".".join(str(part) for part in kept)


class Calibration(FrozenModel, allow_inf_nan=False):
    """Probability = activation of the logit at this temperature (network/activation.py)."""

    temperature: float = Field(gt=0)


class WeightFile(FrozenModel):
    """One fold's weights; several make an ensemble."""

    name: FileName
    sha256: Sha256


Side = Annotated[int, Field(ge=8)]


class ModelDescription(FrozenModel, allow_inf_nan=False):
    """All of ``model.json`` (Docs/contract.md section 6).

    spacing_mm: of the working grid. normalization: as preprocessing names it. activation_floor: a largest response below it
    is not stretched to 1 (normalized-relu). window: (z, y, x), what the network sees at a time; None = a DynUNet's patch as its
    recipe records it, else the whole brain. threshold on the probability; lesions smaller
    than min_lesion_mm3 are dropped. acquisitions: other operating points for exams of their kind (operating_point.py). recipe,
    training and metrics are records, not settings.
    """

    schema_version: Literal[1] = 1
    name: ModelName
    version: str
    created: str
    licence: str
    intended_use: str
    inputs: tuple[ModelInput, ...] = Field(min_length=1)
    spacing_mm: float = Field(ge=0.5, le=3.0)
    normalization: Literal["z-score", "median-iqr"]
    network: NetworkDescription
    activation: Activation
    activation_floor: float = Field(default=1.0, gt=0)
    tta: Literal["flips8", "none"]
    window: tuple[Side, Side, Side] | None = None
    threshold: float = Field(gt=0, lt=1)
    min_lesion_mm3: float = Field(ge=0)
    calibration: Calibration
    acquisitions: tuple[AcquisitionPoint, ...] = ()
    recipe: dict[str, Any]
    training: dict[str, Any]
    metrics: dict[str, Any]
    files: tuple[WeightFile, ...] = Field(min_length=1)

    def point_for(self, *, flair_slices_mm: float) -> FittingPoint:
        """The operating point for an exam whose FLAIR has slices that far apart, and why."""
        default = OperatingPoint(
            temperature=self.calibration.temperature, threshold=self.threshold, min_lesion_mm3=self.min_lesion_mm3
        )
        return choose_fitting_point(default, self.acquisitions, flair_slices_mm=flair_slices_mm)

    @field_validator("inputs")
    @classmethod
    def _each_once(cls, inputs: tuple[ModelInput, ...]) -> tuple[ModelInput, ...]:
        if len({entry.modality for entry in inputs}) < len(inputs):
            raise ValueError("each modality is one input only")
        return inputs

    @model_validator(mode="after")
    def _window_fits(self) -> ModelDescription:
        if isinstance(self.network, LesionUNetDescription) and self.window is not None:
            self.network.check_sides("window", self.window)
        return self
