"""Counting places by two definitions."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MSSoftSegLib.region.burden import burden
from MSSoftSegLib.region.choices import Entered
from MSSoftSegLib.region.dissemination import dissemination, probability_of_at_least
from MSSoftSegLib.region.places import LesionPlace
from MSSoftSegLib.region.regions import Place


def lesion(number, place, *, axis_mm=6.0, certainty=1.0):
    membership = {p: certainty * (p is place) for p in Place}
    return LesionPlace(number, 5.0, 5.0, axis_mm, membership, {p: float(p is place) for p in Place})


def by_name(lesions, **entered):
    return {answer.definition.name: answer for answer in dissemination(lesions, entered)}


def test_two_places_of_the_brain_are_enough_for_both_definitions():
    answers = by_name([lesion(1, Place.PERIVENTRICULAR), lesion(2, Place.INFRATENTORIAL)])
    assert [answers[name].probability for name in ("2017", "2024")] == [1, 1]
    assert [answers[name].definition.place_count for name in ("2017", "2024")] == [4, 5]


def test_deep_white_and_deep_gray_matter_count_for_neither():
    answers = by_name([lesion(1, Place.DEEP_WHITE), lesion(2, Place.DEEP_GRAY), lesion(3, Place.JUXTACORTICAL)])
    assert [answer.probability for answer in answers.values()] == [0, 0]


def test_the_optic_nerve_counts_since_2024_only():
    answers = by_name([lesion(1, Place.PERIVENTRICULAR)], optic_nerve=Entered.AFFECTED)
    assert (answers["2017"].probability, answers["2024"].probability) == (0, 1)
    assert answers["2024"].affected["spinal_cord"] is None


def test_a_lesion_shorter_than_three_millimeters_does_not_count():
    short = lesion(2, Place.INFRATENTORIAL, axis_mm=2.9)
    assert by_name([lesion(1, Place.PERIVENTRICULAR), short])["2017"].affected["infratentorial"] == 0


def test_uncertain_lesions_add_up_to_an_uncertain_place():
    halves = [lesion(n, Place.PERIVENTRICULAR, certainty=0.5) for n in (1, 2)]
    assert by_name(halves)["2017"].affected["periventricular"] == pytest.approx(0.75)


@settings(max_examples=30)
@given(chances=st.lists(st.floats(0, 1), min_size=1, max_size=5), count=st.integers(0, 5))
def test_the_probability_of_at_least_so_many_is_the_sum_over_all_outcomes(chances, count):
    expected = 0.0
    for outcome in itertools.product((0, 1), repeat=len(chances)):
        chance = 1.0
        for happened, p in zip(outcome, chances, strict=True):
            chance *= p if happened else 1 - p
        expected += chance * (sum(outcome) >= count)
    assert probability_of_at_least(count, chances) == pytest.approx(expected, abs=1e-9)


def test_volumes_by_place_sum_to_the_total_and_a_lesion_in_two_places_counts_twice():
    membership = {p: float(p in (Place.PERIVENTRICULAR, Place.JUXTACORTICAL)) for p in Place}
    share = dict.fromkeys(Place, 0.2)
    load = burden([LesionPlace(1, 0.0, 0.0, 30.0, membership, share)], {1: 5000.0})
    assert sum(load.volume_ml.values()) == pytest.approx(5)
    assert sum(load.count.values()) == 2
