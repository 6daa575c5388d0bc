"""nDSC: a DSC that does not grow with the lesion load of the patient alone.

At equal quality of the classifier a higher prevalence gives a higher precision, hence a higher DSC. False positives are
therefore counted as often as they would occur at one reference prevalence r. Source: Raina et al. 2023, arXiv:2302.05432.
"""

from __future__ import annotations

import numpy as np

REFERENCE_PREVALENCE = 0.001


def normalized_dice(
    truth: np.ndarray, prediction: np.ndarray, brain: np.ndarray, *, prevalence: float = REFERENCE_PREVALENCE
) -> float | None:
    """nDSC = 2·TP / (2·TP + k·FP + FN), k = (1−r)·G / (r·(N−G)), 0–1; masks of one shape.

    G: voxels of truth; N: voxels of brain, a voxel that either mask calls lesion among them (nothing is forgiven for lying
    outside the brain mask). None when both masks are empty; 0 when one is. At G/N = r it is the DSC.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"the prevalence must lie in (0, 1), not {prevalence}")
    t, p = truth != 0, prediction != 0
    lesion, found, shared = int(t.sum()), int(p.sum()), int((t & p).sum())
    if lesion == 0 or found == 0:
        return None if lesion + found == 0 else 0.0
    false_positive, false_negative = found - shared, lesion - shared
    healthy = int(((brain != 0) | t | p).sum()) - lesion
    # No healthy voxel, hence no false positive: their weight does not matter.
    k = (1 - prevalence) * lesion / (prevalence * healthy) if healthy else 1.0
    return 2.0 * shared / (2.0 * shared + k * false_positive + false_negative)
