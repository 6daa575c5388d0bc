"""Regions of what no result has placed: faint foci, which no mask holds, and lesions that a reader drew.

They are placed as ``segment`` places lesions, by the regions of the visit that shows them: those that its result keeps, else
found anew. A visit whose own lesions have no region, since its result was made without or its anatomy was not recognized, gives
none here either.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.change.comparison import Comparison, LesionChange
from MSSoftSegLib.change.maps import midpoint_maps, native_maps
from MSSoftSegLib.change.visit import LesionRegion, Visit
from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.exam.geometry import image_like, voxels
from MSSoftSegLib.region.kept_regions import move_regions
from MSSoftSegLib.region.mapping import map_regions
from MSSoftSegLib.region.places import place_lesions
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.report.result_regions import read_result_regions

LOGGER = logging.getLogger(__name__)
# A visit's regions in the space of its reference image, None where they are not found.
Regions = Callable[[Visit], RegionMap | None]


class VisitRegions:
    """The regions of visits, each read or found once and only when something has to be placed there.

    results: the folders of the visits' results, by the visit's name; what they keep is read.
    """

    def __init__(self, results: Mapping[str, Path] | None = None) -> None:
        self._results = dict(results or {})
        self._found: dict[str, RegionMap | None] = {}

    def __call__(self, visit: Visit) -> RegionMap | None:
        """The regions of a visit, told from others by its name."""
        if visit.name not in self._found:
            self._found[visit.name] = self._read_map(visit) or _find_map(visit)
        return self._found[visit.name]

    def _read_map(self, visit: Visit) -> RegionMap | None:
        """What the visit's result keeps. Also where a reader corrected its lesions: what she drew changes regions hardly."""
        if visit.name not in self._results:
            return None
        found, problem = read_result_regions(self._results[visit.name])
        if problem is not None:
            LOGGER.warning("the regions of %s are found anew: %s", visit.name, problem)
        return None if found is None else found.regions


def place_groups(comparison: Comparison, regions: Regions) -> Comparison:
    """The comparison with the region of every group that can be placed."""
    first, second = native_maps(comparison, midpoint_maps(comparison))
    sides = ((comparison.before, first.labels), (comparison.after, second.labels))
    unplaced = [row for row in comparison.changes if row.region is None]
    before, after = (
        _find_regions(visit, labels, [row for row in unplaced if _is_shown(row, place)], regions)
        for place, (visit, labels) in enumerate(sides)
    )
    rows = tuple(
        row if row.region is not None else replace(row, region=after.get(row.group.id) or before.get(row.group.id))
        for row in comparison.changes
    )
    return replace(comparison, changes=rows)


def _is_shown(row: LesionChange, place: int) -> bool:
    """Whether a group is placed where the earlier (0) or the later visit (1) shows it: the later one where both do."""
    is_later = row.evidence.sign > 0 if row.group.is_faint else bool(row.group.after)
    return place == int(is_later)


def _find_regions(
    visit: Visit, labels: sitk.Image, rows: list[LesionChange], regions: Regions
) -> dict[int, LesionRegion]:
    """The region of each of these groups, by its number in the visit's labels."""
    if not rows or visit.regions is None:
        return {}
    found = regions(visit)
    if found is None:
        return {}
    wanted = np.isin(voxels(labels), [row.group.id for row in rows])
    own = image_like(labels, np.where(wanted, voxels(labels), 0).astype(np.uint16))
    return {
        each.id: LesionRegion(each.place.value, each.distance_to_ventricle_mm, each.distance_to_cortex_mm)
        for each in place_lesions(own, found)
    }


def _find_map(visit: Visit) -> RegionMap | None:
    """Whatever goes wrong here is said and never ends a comparison: only the place is not known then."""
    try:
        found = map_regions(visit.working, visit.probability >= visit.threshold)
        return move_regions(found, visit.native_from_working)
    except Exception as problem:
        words = problem.message if isinstance(problem, MSSoftSegError) else f"it stopped with {type(problem).__name__}"
        LOGGER.warning("where faint and drawn lesions of %s lie was not found: %s", visit.name, words)
        LOGGER.debug("regions", exc_info=True)
        return None
