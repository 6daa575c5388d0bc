"""Sets of voxels and edits by hand come back from their text as they were, and only onto their own image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.lesion.live import voxel_set
from MSSoftSegLib.lesion.live.manual_edits import ManualEdits

SHAPE = (2, 3, 4)
masks = arrays.arrays(np.bool_, SHAPE)


@given(st.sets(st.integers(0, 9_999)))
def test_a_set_of_voxels_comes_back_from_its_text(indices):
    array = np.array(sorted(indices), np.int64)
    assert voxel_set.decode_indices(voxel_set.encode_indices(array), size=10_000).tolist() == sorted(indices)


def test_voxels_outside_the_image_are_refused():
    text = voxel_set.encode_indices(np.array([3, 99]))
    with pytest.raises(ValueError, match="not a set of voxels"):
        voxel_set.decode_indices(text, size=99)


@given(masks, masks, masks)
def test_edits_turn_the_automatic_mask_into_what_was_painted_also_after_their_text(automatic, lesion, possible):
    edits = ManualEdits().updated(automatic, lesion, possible)
    for each in (edits, ManualEdits.from_json(edits.to_json(SHAPE), SHAPE)):
        labels = automatic.astype(np.uint8)
        each.apply(labels)
        assert np.array_equal(labels == LESION, lesion)
        assert np.array_equal(labels == POSSIBLE_LESION, possible & ~lesion)


@given(masks, masks)
def test_nothing_painted_is_nothing_kept(automatic, other):
    assert ManualEdits().updated(automatic, automatic, np.zeros(SHAPE, bool)).is_empty
    edits = ManualEdits().updated(automatic, other, np.zeros(SHAPE, bool))
    assert edits.is_empty == np.array_equal(automatic, other)
