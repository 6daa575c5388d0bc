"""The ISBI-equivalent score against the twelve published rows."""

from __future__ import annotations

import pytest

from MSSoftSegLib.evaluation.isbi import isbi_equivalent, isbi_s

# Bar-Ilan thesis, tables 1 and 7: score, DSC, PPV, LFPR, LTPR, VC.
PUBLISHED = {
    "ALL-Net": (93.32, 0.639, 0.914, 0.122, 0.533, 0.860),
    "Tiramisu": (93.11, 0.641, 0.902, 0.155, 0.540, 0.867),
    "soft labels": (93.01, 0.686, 0.850, 0.129, 0.503, 0.871),
    "nnU-Net": (92.87, 0.679, 0.847, 0.159, 0.523, 0.865),
    "GEO loss": (92.73, 0.643, 0.887, 0.132, 0.480, 0.854),
    "low-precision ensemble": (92.55, 0.661, 0.838, 0.151, 0.491, 0.854),
    "asymmetric loss": (92.48, 0.584, 0.921, 0.087, 0.414, 0.858),
    "SSL + soft": (92.45, 0.653, 0.850, 0.111, 0.430, 0.870),
    "multi-branch": (92.12, 0.611, 0.899, 0.139, 0.410, 0.867),
    "recurrent gated": (92.07, 0.629, 0.845, 0.201, 0.487, 0.862),
    "cascaded": (91.33, 0.630, 0.787, 0.153, 0.367, 0.866),
    "multi-view": (90.07, 0.627, 0.789, 0.498, 0.568, 0.822),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_score_is_reproduced_to_a_tenth(name):
    score, dsc, ppv, lfpr, ltpr, vc = PUBLISHED[name]
    s = isbi_s(dsc=dsc, ppv=ppv, lfpr=lfpr, ltpr=ltpr, vc=vc)
    assert isbi_equivalent([s, s]) == pytest.approx(score, abs=0.1)


def test_the_published_order_of_the_first_and_the_last_is_kept():
    scores = {
        name: isbi_equivalent([isbi_s(dsc=dsc, ppv=ppv, lfpr=lfpr, ltpr=ltpr, vc=vc)])
        for name, (_, dsc, ppv, lfpr, ltpr, vc) in PUBLISHED.items()
    }
    assert max(scores, key=scores.get) == "ALL-Net"
    assert min(scores, key=scores.get) == "multi-view"


def test_a_perfect_result_scores_a_hundred_and_raters_are_averaged():
    perfect = isbi_s(dsc=1, ppv=1, lfpr=0, ltpr=1, vc=1)
    nothing = isbi_s(dsc=0, ppv=0, lfpr=1, ltpr=0, vc=0)
    assert (perfect, nothing) == (1, 0)
    assert isbi_equivalent([perfect, nothing]) == pytest.approx(100 - 28.35 / 2)


def test_without_one_of_its_parts_there_is_no_score():
    assert isbi_s(dsc=0.7, ppv=0.8, lfpr=0.1, ltpr=0.5, vc=None) is None
    assert isbi_equivalent([0.7, None]) is None
    assert isbi_equivalent([]) is None
