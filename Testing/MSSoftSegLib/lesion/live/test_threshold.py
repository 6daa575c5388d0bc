"""The slider shows what the library would compute, at every threshold, and fast enough to be moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.lesion.live.threshold import LOWEST_THRESHOLD, MOST_CANDIDATES, LiveThreshold
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine, entropy_nats
from Testing.MSSoftSeg.stand_ins.made_maps import lesion_map


def live_of(probability, *, min_lesion_mm3=3.0, voxel_volume_mm3=1.0, model_threshold=0.5):
    return LiveThreshold(
        probability,
        entropy_nats(probability),
        min_lesion_mm3=min_lesion_mm3,
        voxel_volume_mm3=voxel_volume_mm3,
        model_threshold=model_threshold,
    )


def dense(instances, shape):
    array = np.zeros(int(np.prod(shape)), np.uint16)
    array[instances.flat] = instances.number
    return array.reshape(shape)


@settings(max_examples=150)
@given(
    steps=arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 7)] * 3), elements=st.integers(0, 10)),
    threshold=st.sampled_from([0.05, 0.1, 0.3, 0.5, 0.7, 0.95]),
    smallest=st.sampled_from([0.0, 2.0, 3.0, 6.0]),
)
def test_every_small_map_gives_the_librarys_instances_with_the_librarys_numbers(steps, threshold, smallest):
    probability = (steps / np.float32(10)).astype(np.float32)
    live = live_of(probability, min_lesion_mm3=smallest)
    expected = label_instances(probability, threshold=threshold, min_lesion_mm3=smallest, voxel_volume_mm3=1.0)
    assert np.array_equal(dense(live.at(threshold), probability.shape), expected)


def test_numbers_of_each_lesion_are_those_of_the_librarys_segmentation():
    probability, _ = lesion_map((40, 50, 44), lesions=12, largest_mm=4.0, seed=3)
    grid = Grid((44, 50, 40), (0.9, 1.1, 2.0), (5.0, -7.0, 30.0), (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))
    maps = combine([grid.image(probability)])
    live = live_of(probability, min_lesion_mm3=9.0, voxel_volume_mm3=grid.voxel_volume_mm3)
    for threshold in (0.1, 0.35, 0.6):
        expected = segment_lesions(maps, threshold=threshold, min_lesion_mm3=9.0)
        got = live.at(threshold)
        assert got.count == len(expected.lesions) > 1
        for lesion, voxels, highest, mean, entropy in zip(
            expected.lesions,
            got.voxel_count,
            got.max_probability,
            got.mean_probability,
            got.mean_entropy_nats,
            strict=True,
        ):
            assert voxels * grid.voxel_volume_mm3 == pytest.approx(lesion.volume_mm3)
            assert highest == pytest.approx(lesion.max_probability)
            assert mean == pytest.approx(lesion.mean_probability, rel=1e-5)
            assert entropy == pytest.approx(lesion.mean_entropy_nats, rel=1e-4)


def test_a_threshold_equal_to_a_voxels_value_keeps_the_voxel_as_the_library_does():
    probability = np.zeros((3, 3, 3), np.float32)
    probability[1, 1] = [0.3, 0.7, 0.3]
    live = live_of(probability, min_lesion_mm3=0)
    # 0.3 and 0.7 are not exact in 32 bits: compared in another type they would fall out.
    assert live.at(0.3).voxel_count.tolist() == [3]
    assert live.at(0.7).voxel_count.tolist() == [1]


def test_a_map_without_candidates_has_no_lesion_at_any_threshold():
    live = live_of(np.full((4, 5, 6), 0.01, np.float32))
    assert live.at(0.05).count == live.at(0.9).count == 0


def test_a_map_that_is_unsure_everywhere_raises_the_lowest_threshold_but_never_above_the_models():
    rng = np.random.default_rng(1)
    probability = rng.uniform(0, 1, (60, 80, 60)).astype(np.float32)
    assert (probability >= LOWEST_THRESHOLD).sum() > 2 * MOST_CANDIDATES
    live = live_of(probability, model_threshold=0.9)
    assert LOWEST_THRESHOLD < live.lowest < 0.9
    assert len(live.forest.flat) <= MOST_CANDIDATES
    assert live_of(probability[:20], model_threshold=0.02).lowest == 0.02
