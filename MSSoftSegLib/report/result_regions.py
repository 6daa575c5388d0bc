"""The regions that a finished result keeps, read by what the result says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.region.kept_regions import KeptRegions
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.result_files import FACTS_FILE


@dataclass(frozen=True)
class ResultRegions:
    """regions: in the space of the image of this modality. volume_ml: by name, as the run found them.

    In the file probabilities are rounded: summed over a brain they are off by some ml.
    """

    regions: RegionMap
    reference_modality: str
    volume_ml: Mapping[str, float]


def read_result_regions(folder: Path) -> tuple[ResultRegions | None, str | None]:
    """What a result folder keeps, and None; or None, and what is wrong with it, as a clause.

    None and None where nothing is kept: the folder is no result of this version, it is older, or regions were not found.
    """
    try:
        facts = Result.model_validate_json((folder / FACTS_FILE).read_bytes())
    except (OSError, ValidationError):
        return None, None
    if facts.regions is None or facts.region_probabilities_sha256 is None:
        return None, None
    found, problem = KeptRegions(folder, facts.region_probabilities_sha256, facts.regions.regions).read()
    if found is None:
        return None, problem
    return ResultRegions(found, facts.reference_modality, facts.regions.volume_ml), None
