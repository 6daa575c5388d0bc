"""``result.json``: the facts of one segmentation, under the schema that others may rely on (version 1)."""

from __future__ import annotations

from pydantic import Field

from MSSoftSegLib.frozen_model import FrozenModel
from MSSoftSegLib.report.region_facts import RegionFacts

SCHEMA_VERSION = 1


class SoftwareFacts(FrozenModel):
    """Versions that computed the result."""

    version: str
    python: str
    torch: str


class InputFacts(FrozenModel):
    """One input image: base name and content, no path."""

    modality: str
    path_name: str
    sha256: str | None
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str


class ModelFacts(FrozenModel):
    """The bundle that was used."""

    name: str
    version: str
    sha256: str
    recipe: str


class LesionFacts(FrozenModel):
    """Counts and volumes on the native grid of the reference modality."""

    count: int
    volume_ml: float
    soft_volume_ml: float
    volume_interval_ml: tuple[float, float]


class UncertaintyFacts(FrozenModel):
    """mean_entropy_in_lesions in nats, null without lesions; psu: patient structural uncertainty, 0–1."""

    mean_entropy_in_lesions: float | None
    psu: float


class StageFacts(FrozenModel):
    """Wall time of one stage."""

    name: str
    seconds: float


class Result(FrozenModel):
    """All of ``result.json``. Volumes in ml, distances in mm, entropy in nats, times in seconds, memory in MiB.

    operating_point: why this threshold and this smallest lesion, in words; empty in results of earlier versions.
    regions: where the lesions lie, null where that could not be found (``regions_problem`` says why) or was not looked for.
    region_probabilities_sha256: of the file with the regions themselves, null where there is none.
    """

    schema_version: int = SCHEMA_VERSION
    research_use_only: bool = True
    software: SoftwareFacts
    inputs: tuple[InputFacts, ...]
    reference_modality: str
    alignment_target: str
    brain_extraction: str
    model: ModelFacts
    device: str
    tta: str
    threshold: float
    min_lesion_mm3: float
    connectivity: int
    operating_point: str = ""
    lesions: LesionFacts
    uncertainty: UncertaintyFacts
    stages: tuple[StageFacts, ...]
    peak_memory_mb: float
    warnings: tuple[str, ...] = Field(default=())
    regions: RegionFacts | None = None
    regions_problem: str | None = None
    region_probabilities_sha256: str | None = None
