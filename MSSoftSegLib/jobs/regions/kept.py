"""The regions that a finished result keeps, on its working grid: nothing has to be found again."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from MSSoftSegLib.exam.geometry import have_same_grid
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region.kept_regions import move_regions
from MSSoftSegLib.report.result_regions import ResultRegions, read_result_regions
from MSSoftSegLib.result_files import REGION_MAPS_FILE

LOGGER = logging.getLogger(__name__)


def read_working_regions(folder: Path, working: WorkingExam) -> tuple[ResultRegions | None, str | None]:
    """What a result keeps, on the working grid, and None; or None, and what is wrong with it, which is warned of.

    folder: of the result whose working exam this is. None and None where it keeps nothing.
    """
    found, problem = read_result_regions(folder)
    if found is not None:
        found, problem = _bring_to_working_grid(found, working)
    if problem is not None:
        LOGGER.warning("the regions of %s are found anew: %s", folder.name, problem)
    return found, problem


def _bring_to_working_grid(found: ResultRegions, working: WorkingExam) -> tuple[ResultRegions | None, str | None]:
    """The map on the voxels that it was found on; or that it lies elsewhere."""
    reference = next((each for each in working.native_grids if each == found.reference_modality), None)
    if reference is not None:
        moved = move_regions(found.regions, working.working_from_native(reference))
        if have_same_grid(moved.grid, working.grid):
            return replace(found, regions=moved), None
    return None, f"{REGION_MAPS_FILE} does not lie on the images of this result; segment the exam again"
