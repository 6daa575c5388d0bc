"""Which operating points an adapted model has: new ones for acquisitions that the department showed, the old ones elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.network.operating_point import (
    AcquisitionPoint,
    OperatingPoint,
    choose_fitting_point,
    find_acquisition,
)
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.operating_point import MeasuredPoint


@dataclass(frozen=True)
class AdaptedPoints:
    """default: where an acquisition has no point of its own; acquisitions: those that have."""

    default: MeasuredPoint
    acquisitions: tuple[AcquisitionPoint, ...]

    def point_of(self, case: PreparedCase) -> OperatingPoint:
        """The point that a case is used with."""
        default = OperatingPoint(
            temperature=self.default.temperature,
            threshold=self.default.threshold,
            min_lesion_mm3=self.default.min_lesion_mm3,
        )
        return choose_fitting_point(default, self.acquisitions, flair_slices_mm=case.slices_mm).point


def keep_points(description: ModelDescription) -> AdaptedPoints:
    """Those of the model that is adapted."""
    temperature = description.calibration.temperature
    default = MeasuredPoint(temperature, description.threshold, description.min_lesion_mm3, 0.0, 0)
    return AdaptedPoints(default, description.acquisitions)


def replace_points(
    description: ModelDescription, chosen: MeasuredPoint, cases: Sequence[PreparedCase], words: str
) -> AdaptedPoints:
    """``chosen`` for the acquisitions of the cases that chose it; the others keep the points of the model that is adapted: nobody
    has shown that theirs are wrong."""
    shown = [find_acquisition(description.acquisitions, case.slices_mm) for case in cases]
    values = {
        "temperature": chosen.temperature,
        "threshold": chosen.threshold,
        "min_lesion_mm3": chosen.min_lesion_mm3,
        "chosen_on": words,
        "lesion_free_ml": None,
    }
    old = keep_points(description)
    return AdaptedPoints(
        chosen if None in shown else replace(old.default, mean_dsc=chosen.mean_dsc, cases=chosen.cases),
        tuple(entry.model_copy(update=values) if entry in shown else entry for entry in description.acquisitions),
    )
