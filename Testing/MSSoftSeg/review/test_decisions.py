"""Decisions survive a moved threshold where they still speak of the same lesion, and never hide another one."""

from __future__ import annotations

import numpy as np
import pytest
from MSSoftSegGUI.review.decisions import Decisions

from MSSoftSegLib.lesion.live.threshold import LiveThreshold


def along_a_line(values):
    """A map that is a row of voxels; its lesions are runs of it."""
    probability = np.zeros((3, 3, len(values)), np.float32)
    probability[1, 1] = values
    return LiveThreshold(
        probability, np.zeros_like(probability), min_lesion_mm3=0.0, voxel_volume_mm3=1.0, model_threshold=0.5
    )


def decided(live, threshold, number, status="rejected", before=None):
    instances = live.at(threshold)
    return (before or Decisions()).with_decision(status, threshold, instances.voxels_of(number))


# Two lesions, five and two voxels at 0.5, that are one at 0.2.
LARGE_AND_SMALL = [0.3, 0.9, 0.9, 0.9, 0.9, 0.9, 0.3, 0.8, 0.8, 0.3, 0.3]


def test_a_rejected_lesion_stays_rejected_when_it_grows():
    live = along_a_line([0.1, 0.2, 0.3, 0.9, 0.3, 0.2, 0.1])
    decisions = decided(live, 0.5, 1)
    assert live.at(0.1).voxel_count.tolist() == [7]
    assert decisions.statuses(live.at(0.1), live) == ("rejected",)


def test_a_rejected_speck_does_not_take_the_large_lesion_with_it_that_it_merges_with():
    live = along_a_line(LARGE_AND_SMALL)
    decisions = decided(live, 0.5, 2)
    assert decisions.statuses(live.at(0.5), live) == ("undecided", "rejected")
    assert decisions.statuses(live.at(0.2), live) == ("undecided",)


def test_a_lesion_that_swallows_an_undecided_speck_keeps_its_decision():
    live = along_a_line(LARGE_AND_SMALL)
    decisions = decided(live, 0.5, 1, "accepted")
    assert decisions.statuses(live.at(0.2), live) == ("accepted",)


def test_all_parts_of_a_rejected_lesion_are_rejected_when_it_falls_apart():
    live = along_a_line(LARGE_AND_SMALL)
    decisions = decided(live, 0.2, 1)
    assert decisions.statuses(live.at(0.5), live) == ("rejected", "rejected")


def test_the_latest_decision_on_a_part_wins_there():
    live = along_a_line(LARGE_AND_SMALL)
    decisions = decided(live, 0.5, 1, "accepted", before=decided(live, 0.2, 1))
    assert decisions.statuses(live.at(0.5), live) == ("accepted", "rejected")


def test_two_rejected_lesions_that_become_one_stay_rejected():
    live = along_a_line(LARGE_AND_SMALL)
    decisions = decided(live, 0.5, 2, before=decided(live, 0.5, 1))
    assert decisions.statuses(live.at(0.2), live) == ("rejected",)


def test_undecided_takes_a_decision_back():
    live = along_a_line(LARGE_AND_SMALL)
    decisions = decided(live, 0.5, 1, "undecided", before=decided(live, 0.5, 1))
    assert decisions.made == ()


def test_decisions_come_back_from_their_text():
    live = along_a_line(LARGE_AND_SMALL)
    decisions = decided(live, 0.5, 1, "accepted", before=decided(live, 0.5, 2))
    again = Decisions.from_json(decisions.to_json(live.shape), live.shape)
    for threshold in (0.2, 0.5, 0.85):
        assert again.statuses(live.at(threshold), live) == decisions.statuses(live.at(threshold), live)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace('"rejected"', '"maybe"'),
        lambda text: text.replace('"shape": [3, 3, 11]', '"shape": [3, 11, 3]'),
        lambda text: text.replace('"version": 1', '"version": 7'),
        lambda text: text.replace('"voxels": "', '"voxels": "!'),
        lambda text: text[:-4],
        lambda text: "[]",
    ],
)
def test_damaged_text_or_that_of_another_image_is_refused(damage):
    live = along_a_line(LARGE_AND_SMALL)
    text = decided(live, 0.5, 1).to_json(live.shape)
    assert Decisions.from_json(text, live.shape).made
    assert damage(text) != text
    with pytest.raises(ValueError):  # noqa: PT011 — the messages are for a log
        Decisions.from_json(damage(text), live.shape)
