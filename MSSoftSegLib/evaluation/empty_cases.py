"""What each measure is worth where a mask is empty: one policy, in one table, that every function here follows.

None is null in JSON and left out of every n. The reasons, in order:

1. A quotient whose denominator is zero is undefined: None. Two empty masks have no overlap, no lesion and no surface.
2. Where only one of the two is empty, a quotient that is still defined keeps its value: 0 overlap, 0 lesions found.
3. A distance to an empty surface is None. Giving it a number (infinity, the image's diagonal) would make the mean measure
   how often a case was missed, which TPR and LTPR say already, in mm.
4. A volume difference is always defined: nothing found in nothing is 0 ml off.
5. What lies within 5 mm of the *truth's* lesions does not exist where the truth is empty: None.
6. Measures of probability (ECE and Brier inside the brain) do not ask for lesions: they are always COMPUTED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Computed = Literal["computed"]
COMPUTED: Computed = "computed"


@dataclass(frozen=True)
class EmptyRule:
    """A measure's value where both masks, only the truth, or only the prediction are empty; COMPUTED: from the data."""

    both_empty: float | Computed | None
    truth_empty: float | Computed | None
    prediction_empty: float | Computed | None


_OVERLAP = EmptyRule(None, 0.0, 0.0)
_OF_TRUTH = EmptyRule(None, None, 0.0)
_UNDEFINED = EmptyRule(None, None, None)
_NEAR_LESIONS = EmptyRule(None, None, COMPUTED)
_ALWAYS = EmptyRule(COMPUTED, COMPUTED, COMPUTED)

# Soft Dice asks the maps, not the masks: a probability map that is nowhere above its threshold is seldom zero everywhere.
EMPTY_CASE_POLICY: Mapping[str, EmptyRule] = MappingProxyType(
    {
        "dsc": _OVERLAP,
        "ppv": EmptyRule(None, 0.0, None),
        "tpr": _OF_TRUTH,
        "soft_dice": _OVERLAP,
        "ndsc": _OVERLAP,
        "hd95_mm": _UNDEFINED,
        "assd_mm": _UNDEFINED,
        "volume_difference_ml": EmptyRule(0.0, COMPUTED, COMPUTED),
        "ltpr": _OF_TRUTH,
        "lfpr": EmptyRule(None, 1.0, None),
        "lesion_f1": _OVERLAP,
        "pq": _OVERLAP,
        "ece_brain": _ALWAYS,
        "ece_lesion": _NEAR_LESIONS,
        "brier": _ALWAYS,
        "brier_lesion": _NEAR_LESIONS,
        "r_aac": _NEAR_LESIONS,
        "error_auroc": EmptyRule(None, COMPUTED, COMPUTED),
        "error_auroc_lesion": _NEAR_LESIONS,
        "sq": _UNDEFINED,
        "rq": _OVERLAP,
        "truth_volume_ml": EmptyRule(0.0, 0.0, COMPUTED),
        "predicted_volume_ml": EmptyRule(0.0, COMPUTED, 0.0),
        "truth_lesions": EmptyRule(0.0, 0.0, COMPUTED),
        "predicted_lesions": EmptyRule(0.0, COMPUTED, 0.0),
    }
)


def make_policy_document() -> dict[str, dict[str, float | str | None]]:
    """The table as JSON, to be written beside the numbers that follow it."""
    return {
        measure: {
            "both_empty": rule.both_empty,
            "truth_empty": rule.truth_empty,
            "prediction_empty": rule.prediction_empty,
        }
        for measure, rule in EMPTY_CASE_POLICY.items()
    }
