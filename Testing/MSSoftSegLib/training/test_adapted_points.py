"""Which operating points change with adaptation: those of acquisitions that the department's cases have, and no others."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.network.operating_point import AcquisitionPoint
from MSSoftSegLib.training.adaptation.points import keep_points, replace_points
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.operating_point import MeasuredPoint

SHIPPED = find_bundle("starter").description
CHOSEN = MeasuredPoint(1.3, 0.77, 44.0, 0.6, 5)
STARTS = st.lists(st.sampled_from([0.0, 1.5, 2.5, 4.0, 6.0]), unique=True, max_size=4)
SLICES = st.floats(0.5, 9.0)


def case(slices_mm: float) -> PreparedCase:
    return PreparedCase("c", "p", Path(), (8, 8, 8), 1.0, slices_mm, 1.0, 1.0, False, ("anna",))


def described(starts):
    """The shipped description with a point of its own for each kind of slices."""
    entries = tuple(
        AcquisitionPoint(
            temperature=1.0 + start / 10,
            threshold=0.3 + start / 20,
            min_lesion_mm3=start,
            slices_mm_from=start,
            chosen_on="-",
        )
        for start in starts
    )
    return SHIPPED.model_copy(update={"acquisitions": entries})


def kind(starts, slices_mm):
    """By hand: the thickest start that the slices reach; None: the default's."""
    reached = [start for start in starts if start <= slices_mm]
    return max(reached) if reached else None


@given(starts=STARTS, shown=st.lists(SLICES, min_size=1, max_size=4), slices_mm=SLICES)
def test_a_chosen_point_is_for_acquisitions_that_chose_it(starts, shown, slices_mm):
    description = described(starts)
    found = replace_points(description, CHOSEN, [case(each) for each in shown], "chosen on 5 patients").point_of(
        case(slices_mm)
    )
    if kind(starts, slices_mm) in {kind(starts, each) for each in shown}:
        assert (found.temperature, found.threshold, found.min_lesion_mm3) == (1.3, 0.77, 44.0)
    else:
        assert found == description.point_for(flair_slices_mm=slices_mm).point


@given(starts=STARTS, slices_mm=SLICES)
def test_kept_points_are_those_that_the_model_had(starts, slices_mm):
    description = described(starts)
    assert keep_points(description).point_of(case(slices_mm)) == description.point_for(flair_slices_mm=slices_mm).point
