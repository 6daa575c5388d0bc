"""Confluent lesions cut at their necks."""

from __future__ import annotations

import numpy as np

from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.lesion.splitting import split_confluent


def balls(*centers, radius_mm=6.0, neck=True, spacing=(1.0, 1.0, 1.0)):
    """Balls in a row (z, y, x in mm), joined by a thin bridge."""
    z, y, x = np.indices((30, 30, 60)) * np.reshape(spacing, (3, 1, 1, 1))
    inside = np.zeros((30, 30, 60), bool)
    for cz, cy, cx in centers:
        inside |= (z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= radius_mm**2
    if neck:
        inside[15, 15, int(centers[0][2]) : int(centers[-1][2])] = True
    return label_instances(inside.astype(np.float32), threshold=0.5, min_lesion_mm3=0, voxel_volume_mm3=1.0)


def test_two_balls_on_a_bridge_are_two_lesions_and_no_voxel_is_lost():
    joined = balls((15, 15, 14), (15, 15, 40))
    assert joined.max() == 1
    pieces, interval = split_confluent(joined, (1.0, 1.0, 1.0))
    assert pieces.max() == 2
    assert np.array_equal(pieces > 0, joined > 0)
    assert pieces[15, 15, 14] != pieces[15, 15, 40]
    assert interval[0] == 1
    assert interval[1] >= 2


def test_one_ball_stays_one_whatever_the_slices():
    for spacing in ((1.0, 1.0, 1.0), (2.0, 1.0, 1.0)):
        lone = balls((14, 15, 20), neck=False, spacing=spacing)
        assert split_confluent(lone, spacing)[0].max() == 1


def test_lesions_apart_keep_their_borders():
    apart = balls((15, 15, 10), (15, 15, 45), neck=False)
    pieces, interval = split_confluent(apart, (1.0, 1.0, 1.0))
    assert np.array_equal(pieces, apart)
    assert interval == (2, 2)


def test_no_lesion_is_no_lesion():
    assert split_confluent(np.zeros((4, 4, 4), np.uint16), (1.0, 1.0, 1.0))[1] == (0, 0)
