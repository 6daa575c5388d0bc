"""Two visits compared: one row per group of lesions, and the space that it was done in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.change.calibration import SHIPPED, ChangeCalibration, volume_interval_mm3
from MSSoftSegLib.change.classes import ChangeClass, LesionDecision, decide, decide_by_percent
from MSSoftSegLib.change.evidence import Evidence, group_evidence
from MSSoftSegLib.change.faint import add_faint
from MSSoftSegLib.change.graph import Group, domains, lesion_groups
from MSSoftSegLib.change.halfway import HalfWay
from MSSoftSegLib.change.membership import SoftLesion, soft_lesions
from MSSoftSegLib.change.midpoint import Midpoint, bring_to_midpoint
from MSSoftSegLib.change.visit import LesionRegion, Visit
from MSSoftSegLib.exam.linear import move_points
from MSSoftSegLib.lesion.measurement import LPS_TO_RAS


@dataclass(frozen=True)
class LesionChange:
    """One group. Volumes in mm³ on each visit's native grid with their 95 % intervals; center in RAS mm of the space between:
    of the lesions, or of the place of change where only one place of a lesion changed. region: None where it is not known.
    """

    group: Group
    before_mm3: float
    before_interval_mm3: tuple[float, float]
    after_mm3: float
    after_interval_mm3: tuple[float, float]
    decision: LesionDecision
    evidence: Evidence
    center_ras_mm: tuple[float, float, float]
    region: LesionRegion | None

    @property
    def change(self) -> ChangeClass:
        """What became of it."""
        return self.decision.change


@dataclass(frozen=True)
class Comparison:
    """All of one comparison. owner: int32 (z, y, x) of the space between, the group that each voxel belongs to."""

    before: Visit
    after: Visit
    midpoint: Midpoint
    owner: np.ndarray
    changes: tuple[LesionChange, ...]


def compare_visits(
    before: Visit,
    after: Visit,
    half_way: HalfWay,
    *,
    percent: float | None = None,
    calibration: ChangeCalibration = SHIPPED,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Comparison:
    """Compare two visits in the space between them; swapped, every answer is mirrored.

    percent: judge growth by this change of volume instead of by what an unchanged lesion of that size varies.
    """
    midpoint = bring_to_midpoint(before, after, half_way)
    progress(0.5)
    shape: tuple[int, int, int] = midpoint.compared.shape
    first = soft_lesions(before.native_instances, midpoint.before.native_from_midpoint, midpoint.grid)
    second = soft_lesions(after.native_instances, midpoint.after.native_from_midpoint, midpoint.grid)
    groups = lesion_groups(first, second, shape)
    groups, owner = add_faint(midpoint, groups, domains(groups, first, second, shape))
    progress(0.8)
    evidence = group_evidence(midpoint, owner, groups)
    members = _members(groups, first, second, before, after)
    rows = (
        _row(group, found, own, midpoint, percent, calibration)
        for group, found, own in zip(groups, evidence, members, strict=True)
    )
    # A faint focus that did not change is nothing that anybody would look for.
    changes = tuple(row for row in rows if not (row.group.is_faint and row.change is ChangeClass.STABLE))
    progress(1.0)
    kept = np.isin(owner, [row.group.id for row in changes])
    return Comparison(before, after, midpoint, np.where(kept, owner, 0), changes)


@dataclass(frozen=True)
class _Members:
    """The lesions of one group by visit, and where they lie."""

    before: tuple[SoftLesion, ...]
    after: tuple[SoftLesion, ...]
    region: LesionRegion | None


def _members(
    groups: Sequence[Group],
    first: Sequence[SoftLesion],
    second: Sequence[SoftLesion],
    before: Visit,
    after: Visit,
) -> list[_Members]:
    by_number = [{lesion.number: lesion for lesion in side} for side in (first, second)]
    members = []
    for group in groups:
        sides = [
            tuple(known[n] for n in numbers)
            for known, numbers in zip(by_number, (group.before, group.after), strict=True)
        ]
        members.append(_Members(sides[0], sides[1], find_group_region(group, before.regions, after.regions)))
    return members


def find_group_region(
    group: Group, before: Mapping[int, LesionRegion] | None, after: Mapping[int, LesionRegion] | None
) -> LesionRegion | None:
    """Where a group lies, from its lesions' regions by number: the later visit's where they are known.

    The region of the first lesion that has one, and the shortest way of any of them to ventricle and cortex.
    """
    for regions, numbers in ((after, group.after), (before, group.before)):
        found = [regions[n] for n in numbers if n in regions] if regions else []
        if found:
            ventricle = [each.ventricle_distance_mm for each in found if each.ventricle_distance_mm is not None]
            cortex = [each.cortex_distance_mm for each in found if each.cortex_distance_mm is not None]
            return LesionRegion(found[0].name, min(ventricle, default=None), min(cortex, default=None))
    return None


def _row(
    group: Group,
    evidence: Evidence,
    members: _Members,
    midpoint: Midpoint,
    percent: float | None,
    calibration: ChangeCalibration,
) -> LesionChange:
    decision = decide(group, evidence, calibration=calibration)
    volumes = _volumes_mm3(group, evidence, members)
    if percent is not None:
        decision = decide_by_percent(decision, group, before_mm3=volumes[0], after_mm3=volumes[1], percent=percent)
    absent = (evidence.soft_before_mm3, evidence.soft_after_mm3)
    intervals = [
        volume_interval_mm3(volume, calibration) if volume > 0 else (0.0, soft)
        for volume, soft in zip(volumes, absent, strict=True)
    ]
    is_local = group.is_faint or decision.is_local
    return LesionChange(
        group=group,
        before_mm3=volumes[0],
        before_interval_mm3=intervals[0],
        after_mm3=volumes[1],
        after_interval_mm3=intervals[1],
        decision=decision,
        evidence=evidence,
        center_ras_mm=_ras_mm(np.array(evidence.focus_place), midpoint) if is_local else _center(members, midpoint),
        region=members.region,
    )


def _volumes_mm3(group: Group, evidence: Evidence, members: _Members) -> tuple[float, float]:
    """Earlier and later, of the lesion masks; a faint focus has the soft volume of the visit that shows it."""
    if not group.is_faint:
        before, after = (sum(lesion.volume_mm3 for lesion in side) for side in (members.before, members.after))
        return before, after
    return (0.0, evidence.soft_after_mm3) if evidence.sign > 0 else (evidence.soft_before_mm3, 0.0)


def _center(members: _Members, midpoint: Midpoint) -> tuple[float, float, float]:
    """Mean place of both visits' lesions, each visit weighing as its lesions do."""
    total, weight = np.zeros(3), 0.0
    for lesion in (*members.before, *members.after):
        places = np.argwhere(lesion.fraction > 0)
        if len(places) == 0:
            continue
        shares = lesion.fraction[tuple(places.T)]
        total += (places + [axis.start for axis in lesion.window]).T @ shares
        weight += float(shares.sum())
    return _ras_mm(total / weight if weight > 0 else np.zeros(3), midpoint)


def _ras_mm(index: np.ndarray, midpoint: Midpoint) -> tuple[float, float, float]:
    """An index (z, y, x) of the grid between as a point."""
    x, y, z = (float(v) for v in move_points(index[None, ::-1], midpoint.grid.lps_from_voxel())[0] * LPS_TO_RAS)
    return x, y, z
