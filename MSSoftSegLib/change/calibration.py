"""From evidence to P(change), and how much the volume of an unchanged lesion varies: constants and where they come from.

``Benchmarks/change/calibration.py`` fits them on visits whose changes are known. The constants below come from 45 pairs of
**simulated** visits (blocks of tissue whose lesion maps err as the network's do on digital patients); on 45 others they found 26
of 30 new lesions and called 2 of 236 unchanged groups changed (Benchmarks/results/change/calibration.md). Real scanners differ
in more ways: there P(change) orders lesions, and its value is no measured probability (Benchmarks/results/change/real.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from MSSoftSegLib.change.evidence import Evidence

FEATURES = ("image difference", "place of change", "fullest ball", "certainty", "volume")
REFERENCE_MM3 = 100.0
# Of a normal distribution, 95 % lie within this many standard deviations.
TWO_SIDED_95 = 1.96
# An image or a volume this many SDs off has changed for certain. Were volume to count for more, a focus that joins a large
# plaque, whose volume it hardly moves, would count for nothing; were the image to, the sharper differences of simulated visits
# would set the scale for real ones.
MOST_SCORE = 3.0


@dataclass(frozen=True)
class ChangeCalibration:
    """weights: of the features, after the intercept. repeat_sd: SD of ln(volume ratio) of an unchanged lesion of 100 mm³.

    repeat_power: σ(V) = repeat_sd · (V / 100 mm³)^−repeat_power. changed_from: P(change) from which a lesion is said to have
    changed; stable_up_to: up to which it is said not to have.
    """

    intercept: float
    weights: tuple[float, ...]
    repeat_sd: float
    repeat_power: float
    changed_from: float
    stable_up_to: float


SHIPPED = ChangeCalibration(
    intercept=-11.90,
    weights=(1.668, 1.551, 1.677, 2.198, 1.434),
    repeat_sd=0.187,
    repeat_power=0.372,
    changed_from=0.787,
    stable_up_to=0.3,
)


def features(evidence: Evidence, calibration: ChangeCalibration = SHIPPED) -> np.ndarray:
    """The numbers that P(change) is made of, each larger where a change is likelier; float64 (5,)."""
    return np.array(
        [
            min(evidence.focus_z, MOST_SCORE),
            np.log1p(evidence.focus_mm3 / 10.0),
            evidence.focus_peak,
            1.0 - evidence.focus_entropy_nats / np.log(2),
            volume_score(evidence, calibration),
        ]
    )


def change_probability(evidence: Evidence, calibration: ChangeCalibration = SHIPPED) -> float:
    """P(change), 0–1; 0 where the maps hardly differ anywhere in the group."""
    if evidence.sign == 0:
        return 0.0
    logit = calibration.intercept + float(np.dot(calibration.weights, features(evidence, calibration)))
    return float(1 / (1 + np.exp(-logit)))


def repeat_sd(volume_mm3: float, calibration: ChangeCalibration = SHIPPED) -> float:
    """SD of ln(volume at one scan / volume at the other) of a lesion that did not change."""
    relative = max(volume_mm3, 1.0) / REFERENCE_MM3
    return float(calibration.repeat_sd * relative**-calibration.repeat_power)


def volume_score(evidence: Evidence, calibration: ChangeCalibration = SHIPPED) -> float:
    """ln ratio in the direction of the place of change, in SDs of an unchanged lesion, 0 to MOST_SCORE.

    The SD is that of the larger soft volume, which both orders share.
    """
    larger = max(evidence.soft_before_mm3, evidence.soft_after_mm3)
    return float(np.clip(evidence.sign * evidence.log_ratio / repeat_sd(larger, calibration), 0.0, MOST_SCORE))


def volume_interval_mm3(volume_mm3: float, calibration: ChangeCalibration = SHIPPED) -> tuple[float, float]:
    """Where the volume of 95 % of repeated scans lies; one scan's share of the SD of a ratio is 1/√2 of it."""
    reach = float(np.exp(TWO_SIDED_95 * repeat_sd(volume_mm3, calibration) / np.sqrt(2)))
    return volume_mm3 / reach, volume_mm3 * reach
