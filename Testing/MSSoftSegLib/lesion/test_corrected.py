"""What is measured of a mask that a reader corrected: her lesions, the model's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.lesion.corrected import DRAWN, segment_corrected
from MSSoftSegLib.lesion.measurement import Lesion
from MSSoftSegLib.lesion.uncertainty import combine

GRID = Grid((12, 10, 8), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
LARGE, SMALL, MISSED = (slice(1, 4), slice(1, 4), slice(1, 4)), (slice(5, 6), slice(6, 8), slice(1, 3)), (6, 8, 9)


def original(number, lsu, region):
    return Lesion(number, 0.0, 0.0, 0.9, 0.9, 0.3, lsu, (0.0, 0.0, 0.0), 1.0, region=region, region_probability=0.8)


def corrected(*kept, possible=()):
    """The correction that keeps these places; the model found LARGE and SMALL."""
    probability = np.full(GRID.size[::-1], 0.05, np.float32)
    instances, labels = np.zeros(probability.shape, np.uint16), np.zeros(probability.shape, np.uint8)
    for number, place in enumerate((LARGE, SMALL), start=1):
        probability[place], instances[place] = 0.9, number
    for place in kept:
        labels[place] = 1
    for place in possible:
        labels[place] = 2
    return segment_corrected(
        combine([GRID.image(probability)]),
        GRID.image(labels),
        instances,
        [original(1, 0.2, "periventricular"), original(2, 0.6, None)],
        threshold=0.5,
        min_lesion_mm3=3.0,
        psu=0.3,
    )


def test_untouched_it_is_what_the_model_said():
    found = corrected(LARGE, SMALL)
    assert [(lesion.volume_mm3, lesion.lsu, lesion.status) for lesion in found.lesions] == [
        (54.0, 0.2, "detected"),
        (8.0, 0.6, "detected"),
    ]
    assert found.volume_ml == pytest.approx(0.062)
    assert [lesion.region for lesion in found.lesions] == ["periventricular", None]
    assert found.psu == 0.3


def test_a_rejected_lesion_is_gone_and_the_other_keeps_its_own_uncertainty():
    found = corrected(SMALL)
    assert [(lesion.id, lesion.lsu) for lesion in found.lesions] == [(1, 0.6)]


def test_a_lesion_that_was_drawn_counts_however_small_and_is_said_to_be_drawn():
    found = corrected(LARGE, MISSED)
    assert [(lesion.volume_mm3, lesion.lsu, lesion.status) for lesion in found.lesions] == [
        (54.0, 0.2, "detected"),
        (2.0, 1.0, DRAWN),
    ]


def test_a_possible_lesion_is_no_lesion_and_nothing_left_is_nothing():
    found = corrected(possible=(LARGE,))
    assert found.lesions == ()
    assert (found.volume_ml, found.mean_entropy_in_lesions_nats) == (0.0, None)


def test_two_lesions_that_a_stroke_joins_are_one_with_the_uncertainty_of_the_larger_part():
    bridge = (slice(1, 6), slice(1, 8), slice(1, 3))
    found = corrected(LARGE, SMALL, bridge)
    assert [lesion.lsu for lesion in found.lesions] == [0.2]
