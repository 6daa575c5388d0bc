"""The score of the ISBI 2015 longitudinal MS lesion challenge, as far as it can be known from outside.

S = DSC/8 + PPV/8 + (1 − LFPR)/4 + LTPR/4 + VC/4, averaged over both raters (Carass et al. 2017; Docs/methods.md section 6). The
published scores are a linear function of S that was fitted to twelve published rows (largest residual 0.083): hence "equivalent".
"""

from __future__ import annotations

from collections.abc import Sequence

SCORE_PER_S = 28.35


def isbi_s(
    *, dsc: float | None, ppv: float | None, lfpr: float | None, ltpr: float | None, vc: float | None
) -> float | None:
    """S against one rater from the means over cases (0–1) and the volume correlation; None where one of them is."""
    if dsc is None or ppv is None or lfpr is None or ltpr is None or vc is None:
        return None
    return dsc / 8 + ppv / 8 + (1 - lfpr) / 4 + ltpr / 4 + vc / 4


def isbi_equivalent(s_by_rater: Sequence[float | None]) -> float | None:
    """ISBI-equivalent score = 100 − 28.35·(1 − S), S averaged over the raters; about 90 for a human rater, 100 at best.

    None without raters or where S is None for one of them.
    """
    known = [s for s in s_by_rater if s is not None]
    if not known or len(known) < len(s_by_rater):
        return None
    return 100 - SCORE_PER_S * (1 - sum(known) / len(known))
