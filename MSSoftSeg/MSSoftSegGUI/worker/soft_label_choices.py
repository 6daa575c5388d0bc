"""How raters become a soft label, as the panel offers it: the choices, which of them the method uses, and their words.

The schema that the worker holds them against is ``MSSoftSegLib.softlabel.settings``, which needs pydantic; a test compares.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from MSSoftSegGUI.widgets.translation import tr as _

MEAN, SOFT_UNION, NONE = "mean", "soft-union", "none"
MERGES = ("soft-union", "intersection", "union", "mean")
METHODS = ("voxelwise", "barilan", "kats", "gaussian", "ramp", "svls", "none")
WITH_GAMMA = ("voxelwise", "barilan", "kats")
WITH_RADIUS = ("voxelwise", "barilan", "ramp")
WITH_SIZE = ("kats",)
WITH_SIGMA = ("gaussian", "svls")
NUMBERS = ("gamma", "radius_mm", "size_percent", "sigma_mm")


@dataclass(frozen=True)
class SoftChoices:
    """As ``SoftLabelSettings`` has them; the defaults are those of the project's own recipe."""

    merge: str = SOFT_UNION
    method: str = "voxelwise"
    gamma: float = 0.5
    radius_mm: float = 2.0
    size_percent: float = 120.0
    sigma_mm: float = 1.0

    def settings(self, raters: int) -> dict[str, Any]:
        """The settings for so many raters, as a job takes them: nobody is merged with herself."""
        merge = self.merge if raters > 1 else None
        return {**dataclasses.asdict(self), "merge": merge, "method": NONE if merge == MEAN else self.method}

    def name(self, raters: int) -> str:
        """What the soft label is called in a library: letters and digits."""
        method = str(self.settings(raters)["method"])
        return "merged" if method == NONE else method

    def used(self, raters: int, *, has_possible: bool) -> frozenset[str]:
        """Which choices make a difference for so many raters. has_possible: someone drew possible lesion, worth γ."""
        found = {"method"} | ({"merge"} if raters > 1 else set())
        if raters > 1 and self.merge == MEAN:
            found.remove("method")
        method = self.settings(raters)["method"]
        if method in WITH_GAMMA or has_possible or (raters > 1 and self.merge == SOFT_UNION):
            found.add("gamma")
        for name, methods in (("radius_mm", WITH_RADIUS), ("size_percent", WITH_SIZE), ("sigma_mm", WITH_SIGMA)):
            if method in methods:
                found.add(name)
        return frozenset(found)

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any] | None) -> SoftChoices:
        """From settings that a library or a soft label has; unknown keys and what is missing are passed over."""
        known = {field.name for field in dataclasses.fields(cls)}
        given = {key: value for key, value in (settings or {}).items() if key in known and value is not None}
        return dataclasses.replace(cls(), **given)


def merge_entries() -> tuple[tuple[str, str], ...]:
    """(value, words) of every way to merge raters."""
    words = {
        "soft-union": _("Soft union: γ where they disagree"),
        "intersection": _("Intersection: where all agree"),
        "union": _("Union: where anybody drew"),
        "mean": _("Mean: share of the raters"),
    }
    return tuple((merge, words[merge]) for merge in MERGES)


def list_methods() -> tuple[tuple[str, str], ...]:
    """(value, words) of every way to soften the border."""
    words = {
        "voxelwise": _("Voxel by voxel, by FLAIR and distance"),
        "barilan": _("Bar-Ilan: bright shell of γ"),
        "kats": _("Kats: growth to a size"),
        "gaussian": _("Gaussian"),
        "ramp": _("Ramp over the border"),
        "svls": _("SVLS: label smoothing by neighbors"),
        "none": _("None: merge alone"),
    }
    return tuple((method, words[method]) for method in METHODS)
