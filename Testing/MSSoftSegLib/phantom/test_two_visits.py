"""The digital patient at two visits: what was planned changed, and nothing else did."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.phantom.digital_patient import SMALL, SMALL_SETTINGS, draw_body
from MSSoftSegLib.phantom.two_visits import Fate, make_digital_pair, typical_scanner

FLAIR_ALONE = tuple(acquisition for acquisition in SMALL if acquisition.modality is Modality.FLAIR)


@pytest.fixture(scope="module")
def body():
    return draw_body(3, SMALL_SETTINGS)


def scanned_twice(body, fates):
    scanners = (typical_scanner(FLAIR_ALONE, 1), typical_scanner(FLAIR_ALONE, 2))
    return make_digital_pair(body, seed=3, fates=fates, scanners=scanners)


def test_only_planned_foci_change_and_each_as_planned(body):
    pair = scanned_twice(body, {Fate.NEW: 2, Fate.VANISHING: 2, Fate.GROWING: 2, Fate.SHRINKING: 1})
    before, after = voxels(pair.before.patient_truth), voxels(pair.after.patient_truth)
    foci = voxels(pair.foci).astype(int)
    fates = {change.label: change.fate for change in pair.changes}
    assert {Fate.NEW, Fate.VANISHING, Fate.GROWING, Fate.SHRINKING, Fate.UNCHANGED} <= set(fates.values())
    for change in pair.changes:
        inside = foci == change.label
        grew = float((after - before)[inside].sum())
        if change.fate is Fate.UNCHANGED:
            assert np.array_equal(before[inside], after[inside])
        elif change.fate in (Fate.NEW, Fate.GROWING):
            assert grew > 0
        elif change.fate in (Fate.VANISHING, Fate.SHRINKING):
            assert grew < 0
    assert any(change.fate is Fate.NEW and change.before_mm3 == 0 for change in pair.changes)


def test_an_unchanged_patient_scanned_twice_differs_in_pose_and_noise_alone(body):
    pair = scanned_twice(body, {})
    assert {change.fate for change in pair.changes} == {Fate.UNCHANGED}
    assert np.array_equal(voxels(pair.before.patient_truth), voxels(pair.after.patient_truth))
    first, second = (voxels(scan.exam.image(Modality.FLAIR)) for scan in (pair.before, pair.after))
    assert not np.array_equal(first, second)
    volumes = [float(voxels(scan.truth).sum()) for scan in (pair.before, pair.after)]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.05)
    move = pair.before.native_from_patient[Modality.FLAIR].TransformPoint((0.0, 0.0, 0.0))
    assert move != pytest.approx(pair.after.native_from_patient[Modality.FLAIR].TransformPoint((0.0, 0.0, 0.0)))
