"""Every scanner, typical or drawn, keeps the order of tissues that physics gives a contrast."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.exam.modality import MODALITIES, Modality
from MSSoftSegLib.phantom.contrasts import TissueIntensities, draw_intensities, typical_intensities


def assert_ordered(modality: Modality, mean: TissueIntensities) -> None:
    if modality is Modality.T1:
        assert mean.white > mean.gray > mean.csf
        assert mean.lesion < mean.white
    elif modality is Modality.T2:
        assert mean.csf > mean.lesion > mean.gray > mean.white
    else:
        assert mean.lesion > mean.gray > mean.white > mean.csf


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_order_holds_for_typical_and_drawn_scanners(modality: Modality) -> None:
    assert_ordered(modality, typical_intensities(modality))
    for seed in range(50):
        assert_ordered(modality, draw_intensities(modality, rng=np.random.default_rng(seed)))


def test_the_typical_flair_is_the_middle_of_its_range() -> None:
    # Gray 1.08–1.36, CSF 0.08–0.40, lesion 0.12–0.65 above gray.
    mean = typical_intensities(Modality.FLAIR)
    assert (mean.gray, mean.csf, mean.lesion) == pytest.approx((1.22, 0.24, 1.22 + 0.385))
