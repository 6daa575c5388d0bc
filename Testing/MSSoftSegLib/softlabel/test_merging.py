"""What several raters become before anything is softened: the table of Docs/methods.md section 1, voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from Testing.MSSoftSegLib.softlabel.made_masks import soften, values

# One column per combination of two raters: none, A only, B only, both, and those with possible lesion.
A = np.array([[[0, 1, 0, 1, 2, 0, 2, 1, 2]]])
B = np.array([[[0, 0, 1, 1, 0, 2, 2, 2, 1]]])
EXPECTED = {
    "intersection": [0, 0, 0, 1, 0.3, 0.3, 0.3, 0.3, 0.3],
    "union": [0, 1, 1, 1, 0.3, 0.3, 0.3, 1, 1],
    "soft-union": [0, 0.3, 0.3, 1, 0.3, 0.3, 0.3, 0.3, 0.3],
    "mean": [0, 0.5, 0.5, 1, 0.3, 0.3, 0.3, 0.5, 0.5],
}


@pytest.mark.parametrize("merge", EXPECTED)
def test_two_raters_merge_as_the_table_says_and_possible_lesion_holds_gamma(merge):
    soft = soften([A, B], merge=merge, gamma=0.3)
    np.testing.assert_allclose(values(soft).ravel(), EXPECTED[merge], atol=1e-6)
    assert soft.core_volume_ml == pytest.approx(EXPECTED[merge].count(1) / 1000)
    assert soft.soft_volume_ml == pytest.approx(sum(EXPECTED[merge]) / 1000, rel=1e-6)
    assert soft.shell_voxels == 0


def test_three_raters_all_is_core_some_is_gamma():
    raters = [np.array([[[0, 1, 1, 1]]]), np.array([[[0, 0, 1, 1]]]), np.array([[[0, 0, 0, 1]]])]
    expected = {"intersection": [0, 0, 0, 1], "union": [0, 1, 1, 1], "soft-union": [0, 0.4, 0.4, 1]}
    for merge, wanted in expected.items():
        np.testing.assert_allclose(values(soften(raters, merge=merge, gamma=0.4)).ravel(), wanted, atol=1e-6)
    mean = values(soften(raters, merge="mean", gamma=0.4)).ravel()
    np.testing.assert_allclose(mean, [0, 1 / 3, 2 / 3, 1], atol=1e-6)


@pytest.mark.parametrize("merge", [None, *EXPECTED])
def test_one_rater_is_taken_as_it_is_whatever_the_merge(merge):
    np.testing.assert_allclose(
        values(soften(A, merge=merge, gamma=0.3)).ravel(), [0, 1, 0, 1, 0.3, 0, 0.3, 1, 0.3], atol=1e-6
    )


@given(seed=st.integers(0, 10_000), count=st.integers(1, 5), merge=st.sampled_from(list(EXPECTED)))
def test_the_order_of_the_raters_changes_nothing_and_the_merges_are_nested(seed, count, merge):
    rng = np.random.default_rng(seed)
    raters = [rng.integers(0, 3, (2, 3, 4)) for _ in range(count)]
    first = values(soften(raters, merge=merge, gamma=0.6))
    np.testing.assert_array_equal(first, values(soften(raters[::-1], merge=merge, gamma=0.6)))
    assert np.all(values(soften(raters, merge="intersection", gamma=0.6)) <= first + 1e-6)
    assert np.all(first <= np.maximum(values(soften(raters, merge="union", gamma=0.6)), 1 * (first > 0)))
    assert np.all((first > 0) <= np.any(raters, axis=0)), "where no rater drew, nothing is"


def test_more_raters_than_a_byte_counts_are_merged():
    raters = [np.array([[[1, int(number < 3)]]]) for number in range(300)]
    np.testing.assert_allclose(values(soften(raters, merge="mean")).ravel(), [1, 0.01], rtol=1e-5)


def test_several_raters_without_a_merge_are_refused():
    with pytest.raises(RequestError, match="merge") as caught:
        soften([A, B])
    assert caught.value.exit_code == 2


def test_mean_goes_with_method_none_only():
    with pytest.raises(ValueError, match="mean"):
        SoftLabelSettings(merge="mean", method="barilan")
