"""``metrics.json``: what ``evaluate`` measured, under a schema that ``evaluate --compare`` and others may rely on (version 1)."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.plain_text import parse_json
from MSSoftSegLib.frozen_model import FrozenModel

SCHEMA_VERSION = 1
FILE_NAME = "metrics.json"

Values = dict[str, float | None]


class MeasuringSoftware(FrozenModel):
    """Versions that measured."""

    version: str
    python: str
    numpy: str
    scipy: str


class SettingFacts(FrozenModel):
    """What was asked for. threshold: null where every case came with a mask."""

    connectivity: int
    min_lesion_voxels: int
    threshold: float | None
    possible_lesion: str
    truth_threshold: float
    calibration_bins: int
    neighborhood_mm: float
    reference_prevalence: float
    bootstrap_resamples: int
    bootstrap_level: float
    bootstrap_seed: int


class SizeFacts(FrozenModel):
    """Lesions of one size: of the truth, of them touched; predicted, of them touching no truth."""

    size: str
    truth_lesions: int
    touched: int
    predicted_lesions: int
    false: int


class RaterFacts(FrozenModel):
    """One case against one rater (1 = first). truth_sha256: of the voxel values."""

    rater: int
    truth_sha256: str
    metrics: Values
    detection_by_size: tuple[SizeFacts, ...]


class CaseFacts(FrozenModel):
    """One case; metrics: mean over its raters of what is defined for them, as in metrics.csv."""

    case: str
    patient: str
    brain_sha256: str | None
    metrics: Values
    raters: tuple[RaterFacts, ...]


class MeanFacts(FrozenModel):
    """Mean over n cases and its bootstrap interval; null where undefined."""

    mean: float | None
    n: int
    low: float | None
    high: float | None


class RaterSummaryFacts(FrozenModel):
    """All cases of one rater."""

    rater: int
    cases: int
    means: dict[str, MeanFacts]
    vc: float | None
    isbi_s: float | None
    detection_by_size: tuple[SizeFacts, ...]


class VolumeAgreementFacts(FrozenModel):
    """Bland–Altman statistics of predicted − true volume."""

    n: int
    bias_ml: float | None
    sd_ml: float | None
    lower_ml: float | None
    upper_ml: float | None


class SummaryFacts(FrozenModel):
    """All cases, averaged over raters."""

    cases: int
    patients: int
    means: dict[str, MeanFacts]
    vc: float | None
    isbi_equivalent: float | None
    volume_agreement: VolumeAgreementFacts
    raters: tuple[RaterSummaryFacts, ...]


class MetricsDocument(FrozenModel):
    """All of ``metrics.json``. Volumes in ml, distances in mm, shares 0–1."""

    schema_version: int = SCHEMA_VERSION
    research_use_only: bool = True
    software: MeasuringSoftware
    settings: SettingFacts
    empty_case_policy: dict[str, dict[str, float | str | None]]
    notes: tuple[str, ...]
    summary: SummaryFacts
    cases: tuple[CaseFacts, ...]
    warnings: tuple[str, ...]


def read_metrics(path: Path) -> MetricsDocument:
    """The document of a result folder of ``evaluate``, or of the file itself; RequestError where it is none."""
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise RequestError(
            f"{path.name} holds no {FILE_NAME}" if path.is_dir() else f"{path.name} does not exist",
            remedy="give a folder that mssoftseg evaluate wrote",
        )
    try:
        return MetricsDocument.model_validate(parse_json(file.read_bytes()))
    except (OSError, ValueError) as problem:
        where = ""
        if isinstance(problem, ValidationError):
            where = f" (field {'.'.join(str(part) for part in problem.errors()[0]['loc'])})"
        raise RequestError(
            f"{file.name} of {file.absolute().parent.name} is no result of evaluate{where}",
            remedy="run mssoftseg evaluate again",
        ) from None
