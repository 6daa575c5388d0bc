"""The regions that a finished result keeps: read where they are its own and whole, so that nothing has to be found again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.exam.geometry import have_same_grid
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.kept_regions import KeptRegions, move_regions
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.result_files import FACTS_FILE, REGION_MAPS_FILE

LOGGER = logging.getLogger(__name__)


def read_kept_regions(folder: Path, name: str) -> RegionMap | None:
    """The map of a result, in the space of its reference image; None where it keeps none, or a damaged one, which is warned of.

    name: how the warning calls the result.
    """
    facts = _facts(folder)
    found, problem = (None, None) if facts is None else _read(facts, folder)
    if problem is not None:
        _warn(name, problem)
    return found


@dataclass(frozen=True)
class WorkingRegions:
    """What a result keeps of its regions, on its working grid. volume_ml: as its run found them, by name.

    In the file probabilities are rounded: summed over a brain they are off by some ml.
    """

    regions: RegionMap
    volume_ml: Mapping[str, float]


def read_working_regions(folder: Path, working: WorkingExam) -> tuple[WorkingRegions | None, str | None]:
    """The same on the working grid, and what is wrong with it, as a clause. folder: of the result whose working exam this is."""
    facts = _facts(folder)
    if facts is None or facts.regions is None:
        return None, None
    found, problem = _read(facts, folder)
    if found is not None:
        found, problem = _bring_to_working_grid(found, facts, working)
    if problem is not None:
        _warn(folder.name, problem)
    return (None, problem) if found is None else (WorkingRegions(found, facts.regions.volume_ml), None)


def _read(facts: Result, folder: Path) -> tuple[RegionMap | None, str | None]:
    """The map, or what is wrong with it; neither where the result keeps none, since it is older or has no regions."""
    if facts.regions is None or facts.region_probabilities_sha256 is None:
        return None, None
    return KeptRegions(folder, facts.region_probabilities_sha256, facts.regions.regions).read()


def _bring_to_working_grid(
    found: RegionMap, facts: Result, working: WorkingExam
) -> tuple[RegionMap | None, str | None]:
    """The map on the voxels that it was found on; or that it lies elsewhere."""
    reference = next((each for each in working.native_grids if each == facts.reference_modality), None)
    if reference is not None:
        moved = move_regions(found, working.working_from_native(reference))
        if have_same_grid(moved.grid, working.grid):
            return moved, None
    return None, f"{REGION_MAPS_FILE} does not lie on the images of this result; segment the exam again"


def _warn(name: str, problem: str) -> None:
    LOGGER.warning("the regions of %s are found anew: %s", name, problem)


def _facts(folder: Path) -> Result | None:
    """What the result says of itself; None where the folder is none, or of a version that cannot be read."""
    try:
        return Result.model_validate_json((folder / FACTS_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
