"""What is said of a group of lesions: new, enlarging, stable, shrinking, resolved, merged, split, or not decidable and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from MSSoftSegLib.change.calibration import SHIPPED, TWO_SIDED_95, ChangeCalibration, change_probability, repeat_sd
from MSSoftSegLib.change.evidence import Evidence
from MSSoftSegLib.change.graph import Group


class ChangeClass(StrEnum):
    """What became of a group of lesions."""

    NEW = "new"
    ENLARGING = "enlarging"
    STABLE = "stable"
    SHRINKING = "shrinking"
    RESOLVED = "resolved"
    MERGED = "merged"
    SPLIT = "split"
    NOT_DECIDABLE = "not decidable"


MIRRORED = {
    ChangeClass.NEW: ChangeClass.RESOLVED,
    ChangeClass.RESOLVED: ChangeClass.NEW,
    ChangeClass.ENLARGING: ChangeClass.SHRINKING,
    ChangeClass.SHRINKING: ChangeClass.ENLARGING,
    ChangeClass.MERGED: ChangeClass.SPLIT,
    ChangeClass.SPLIT: ChangeClass.MERGED,
    ChangeClass.STABLE: ChangeClass.STABLE,
    ChangeClass.NOT_DECIDABLE: ChangeClass.NOT_DECIDABLE,
}
CHANGED = frozenset(ChangeClass) - {ChangeClass.STABLE, ChangeClass.NOT_DECIDABLE}

# Of a group's lesions, how much both visits must cover.
LEAST_COMPARED = 0.5
# Another place that changed the other way, of at least this part of the volume and with this image difference in SDs: no one word
# fits the lesion.
OPPOSITE_SHARE, OPPOSITE_Z = 0.5, 2.0
# A lesion of one visit only is named new or resolved where the image shows it come or go by this many SDs of normal tissue; where
# it does not, the maps alone make a change at most as likely as not.
LEAST_SHOWN_Z, MOST_UNSHOWN = 1.0, 0.5
# A place of change this large is seen within a confluent lesion whose volume it hardly moves.
FOCAL_MM3 = 30.0


@dataclass(frozen=True)
class LesionDecision:
    """change, P(change) (None where nothing could be compared), and the reason in words where it is not plain.

    is_local: one place of a lesion changed, and the lesion as a whole little.
    """

    change: ChangeClass
    probability: float | None
    reason: str = ""
    is_local: bool = False


def decide(group: Group, evidence: Evidence, *, calibration: ChangeCalibration = SHIPPED) -> LesionDecision:
    """The class of one group."""
    if evidence.compared < LEAST_COMPARED:
        return LesionDecision(ChangeClass.NOT_DECIDABLE, None, "only one visit covers it")
    probability = change_probability(evidence, calibration)
    candidate = _candidate(group, evidence)
    if doubt := _image_doubt(candidate, evidence):
        probability = min(probability, MOST_UNSHOWN)
    if probability <= calibration.stable_up_to:
        return LesionDecision(ChangeClass.STABLE, probability, _why_stable(group))
    if probability < calibration.changed_from:
        return LesionDecision(
            ChangeClass.NOT_DECIDABLE,
            probability,
            f"possibly {candidate}: {doubt or 'the images and the probability maps do not settle it'}",
        )
    if group.is_faint:
        return LesionDecision(candidate, probability, "too faint for the lesion mask; maps and images both show it")
    if candidate in (ChangeClass.ENLARGING, ChangeClass.SHRINKING):
        return _sized(candidate, evidence, probability, calibration)
    return LesionDecision(candidate, probability)


def decide_by_percent(
    decision: LesionDecision, group: Group, *, before_mm3: float, after_mm3: float, percent: float
) -> LesionDecision:
    """A group that is there both times judged by its native volume alone (Spinal Cord Toolbox: 30 %); others as decided.

    Shrinking mirrors enlarging: from 1.3 mm³ to 1 mm³ is as far as from 1 to 1.3.
    """
    if not group.before or not group.after or decision.probability is None:
        return decision
    ratio, reach = after_mm3 / before_mm3, 1 + percent / 100
    if ratio > reach:
        return LesionDecision(ChangeClass.ENLARGING, decision.probability)
    return LesionDecision(ChangeClass.SHRINKING if ratio < 1 / reach else ChangeClass.STABLE, decision.probability)


def _image_doubt(candidate: ChangeClass, evidence: Evidence) -> str:
    """Why the images do not bear out that a lesion came or went, in words; "" where they do, or nothing of the kind is said."""
    direction = {ChangeClass.NEW: 1, ChangeClass.RESOLVED: -1}.get(candidate)
    if direction is None:
        return ""
    if evidence.sign != direction:
        return "found at one visit only, but maps and images change the other way there"
    if evidence.focus_z >= LEAST_SHOWN_Z:
        return ""
    if evidence.focus_z > -LEAST_SHOWN_Z:
        return "the maps differ there, the images hardly do"
    return "the maps differ there, but the images the other way"


def _candidate(group: Group, evidence: Evidence) -> ChangeClass:
    """What it is if it changed at all."""
    before, after = len(group.before), len(group.after)
    if group.is_faint:
        return ChangeClass.NEW if evidence.sign > 0 else ChangeClass.RESOLVED
    if before == 0:
        return ChangeClass.NEW
    if after == 0:
        return ChangeClass.RESOLVED
    if before != after:
        return ChangeClass.MERGED if before > after else ChangeClass.SPLIT
    return ChangeClass.ENLARGING if evidence.sign > 0 else ChangeClass.SHRINKING


def _sized(
    candidate: ChangeClass, evidence: Evidence, probability: float, calibration: ChangeCalibration
) -> LesionDecision:
    """Growth or loss of a group that is there both times: of the whole, or of one place in it."""
    if evidence.opposite_mm3 >= OPPOSITE_SHARE * evidence.focus_mm3 and evidence.opposite_z >= OPPOSITE_Z:
        return LesionDecision(ChangeClass.NOT_DECIDABLE, probability, "one part grew and another shrank")
    larger = max(evidence.soft_before_mm3, evidence.soft_after_mm3)
    if evidence.sign * evidence.log_ratio > TWO_SIDED_95 * repeat_sd(larger, calibration):
        return LesionDecision(candidate, probability)
    if evidence.focus_mm3 >= FOCAL_MM3:
        return LesionDecision(candidate, probability, "changed in one place, little as a whole", is_local=True)
    return LesionDecision(
        ChangeClass.NOT_DECIDABLE,
        probability,
        f"possibly {candidate}: its volume varies no more than an unchanged one's",
    )


def _why_stable(group: Group) -> str:
    if not group.before or not group.after:
        return "found at one visit only, but maps and images together show no change"
    if len(group.before) != len(group.after):
        return "joined at one visit only, but maps and images together show no change"
    return ""
