"""Which operating point fits an exam: that of the thickest slices that it reaches, and the report says why."""

from __future__ import annotations

import pytest

from MSSoftSegLib.network.operating_point import AcquisitionPoint, OperatingPoint, choose_fitting_point

DEFAULT = OperatingPoint(temperature=1.0, threshold=0.5, min_lesion_mm3=3.0)
THIN = AcquisitionPoint(temperature=1.1, threshold=0.4, min_lesion_mm3=6, slices_mm_from=0.0, chosen_on="chosen on A")
THICK = AcquisitionPoint(temperature=1.2, threshold=0.6, min_lesion_mm3=9, slices_mm_from=2.5, chosen_on="chosen on B")


@pytest.mark.parametrize(("slices_mm", "threshold"), [(1.0, 0.4), (2.49, 0.4), (2.5, 0.6), (8.0, 0.6)])
def test_the_thickest_kind_that_is_reached_is_taken_in_any_order(slices_mm, threshold):
    for points in ((THIN, THICK), (THICK, THIN)):
        assert choose_fitting_point(DEFAULT, points, flair_slices_mm=slices_mm).point.threshold == threshold


def test_the_reason_names_the_slices_and_what_was_chosen_on():
    reason = choose_fitting_point(DEFAULT, (THIN, THICK), flair_slices_mm=6.63).reason
    assert "6.6 mm" in reason
    assert "2.5 mm or more" in reason
    assert "chosen on B" in reason


def test_a_model_with_one_point_says_so():
    found = choose_fitting_point(DEFAULT, (), flair_slices_mm=5.0)
    assert found.point == DEFAULT
    assert "one operating point" in found.reason


def test_thin_exams_of_a_model_that_knows_thick_ones_only_take_its_default():
    assert choose_fitting_point(DEFAULT, (THICK,), flair_slices_mm=1.0).point == DEFAULT
