"""Two raters agree with each other about as well as humans do, and neither is the truth."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.exam.geometry import have_same_grid, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.digital_patient import DigitalPatient
from MSSoftSegLib.phantom.raters import dice, draw_raters
from Testing.MSSoftSegLib.phantom.small_patients import small_patient


def independent_dice(first: np.ndarray, second: np.ndarray) -> float:
    a, b = set(np.flatnonzero(first)), set(np.flatnonzero(second))
    return 2 * len(a & b) / (len(a) + len(b))


def test_dice_of_two_of_three_shared_voxels() -> None:
    first, second = np.array([1, 1, 1, 0], dtype=bool), np.array([0, 1, 1, 0], dtype=bool)
    assert dice(first, second) == pytest.approx(4 / 5)
    assert dice(np.zeros(3, dtype=bool), np.zeros(3, dtype=bool)) == 1


@pytest.mark.parametrize("seed", range(6))
def test_raters_agree_as_well_as_human_raters_do(seed: int) -> None:
    patient = small_patient(seed)
    first, second, truth = (voxels(image) for image in (patient.rater1, patient.rater2, patient.truth))
    assert 0.63 <= independent_dice(first, second) <= 0.75
    for rater in (first, second):
        assert 0.6 < independent_dice(rater, truth > 0.5) < 0.97
        # Nearly everything she drew is at or beside a lesion.
        assert truth[rater > 0].mean() > 0.3
    assert first.sum() > second.sum()


def test_masks_lie_on_the_flair(patient: DigitalPatient) -> None:
    flair = patient.exam.image(Modality.FLAIR)
    for mask in (patient.rater1, patient.rater2, patient.brain_mask, patient.truth):
        assert have_same_grid(mask, flair)
    for mask in (patient.rater1, patient.rater2, patient.brain_mask):
        assert set(np.unique(voxels(mask))) == {0, 1}


def test_raters_invent_only_where_something_fools_them() -> None:
    truth = np.zeros((20, 40, 40), dtype=np.float32)
    truth[8:12, 10:20, 10:20] = 1
    negatives = np.zeros_like(truth)
    for mask in draw_raters(truth, negatives, (1.0, 1.0, 2.0), rng=np.random.default_rng(0)):
        far = mask.copy()
        far[5:15, 5:25, 5:25] = False
        assert mask.any()
        assert not far.any()
    negatives[8:12, 10:14, 23:25] = 1
    fooled = [
        draw_raters(truth, negatives, (1.0, 1.0, 2.0), rng=np.random.default_rng(s))[k][8:12, 10:14, 23:25].any()
        for s in range(5)
        for k in range(2)
    ]
    assert any(fooled)
