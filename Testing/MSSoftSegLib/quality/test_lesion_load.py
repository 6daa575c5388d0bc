"""After inference: what no patient's lesions are like, in a brain-sized ellipsoid."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import ndimage

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.quality.checks import result_warnings

GRID = Grid((72, 96, 80), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))


@functools.cache
def depth_mm():
    z, y, x = (2 * (axis - (n - 1) / 2) for axis, n in zip(np.indices(GRID.size[::-1]), GRID.size[::-1], strict=True))
    return ndimage.distance_transform_edt((x / 66) ** 2 + (y / 88) ** 2 + (z / 70) ** 2 < 1, sampling=2.0)


def said(probability, lesion_free_ml=None):
    working = WorkingExam({}, GRID.image((depth_mm() > 0).astype(np.uint8)), Modality.FLAIR, {}, {}, {})
    image = GRID.image(np.asarray(probability, np.float32))
    segmentation = segment_lesions(combine([image]), threshold=0.5, min_lesion_mm3=3.0)
    return [warning.text for warning in result_warnings(working, image, segmentation, lesion_free_ml=lesion_free_ml)]


def few_lesions():
    probability = np.zeros(GRID.size[::-1])
    for z, y, x in ((30, 40, 30), (45, 50, 40), (40, 60, 25)):
        probability[z : z + 5, y : y + 5, x : x + 5] = 0.9
    return probability


def test_a_usual_load_is_not_worth_a_word():
    assert said(few_lesions()) == []


def test_no_more_than_in_brains_without_lesions_is_told_with_both_amounts():
    # Three lesions of 5 × 5 × 5 voxels of 8 mm³: 3 ml.
    assert said(few_lesions(), lesion_free_ml=2.9) == []
    (told,) = said(few_lesions(), lesion_free_ml=3.1)
    assert told.startswith("3.0 ml is no more than this model finds in half of the brains without any lesion (3.1 ml)")
    assert [text[:19] for text in said(np.zeros(GRID.size[::-1]), lesion_free_ml=3.1)] == ["No lesion was found"]


def test_nothing_found_is_said():
    assert [text[:19] for text in said(np.zeros(GRID.size[::-1]))] == ["No lesion was found"]


def test_more_than_a_tenth_of_the_brain_is_implausible():
    inner = depth_mm() > np.percentile(depth_mm()[depth_mm() > 0], 88)
    assert any("implausibly much" in text for text in said(0.9 * inner))


def specks(count):
    probability = few_lesions()
    places = np.argwhere(depth_mm()[::3, ::3, ::3] > 10)[:count] * 3
    probability[tuple(places.T)] = np.maximum(probability[tuple(places.T)], 0.8)
    return probability


def test_hundreds_of_specks_are_told_and_twenty_are_not():
    assert any("as noise is" in text for text in said(specks(200)))
    assert said(specks(20)) == []


def test_lesions_at_the_rim_of_the_mask_are_told():
    rim = (depth_mm() > 0) & (depth_mm() < 4) & (np.arange(GRID.size[1]) < 30)[None, :, None]
    assert any("at the rim" in text for text in said(0.9 * rim))


def test_a_haze_of_low_probability_is_told():
    assert any("soft volume" in text for text in said(np.maximum(few_lesions(), 0.05 * (depth_mm() > 0))))


def test_a_probability_on_another_grid_is_a_mistake_of_the_caller():
    working = WorkingExam({}, GRID.image((depth_mm() > 0).astype(np.uint8)), Modality.FLAIR, {}, {}, {})
    other = Grid((8, 8, 8), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel())).image(
        np.zeros((8, 8, 8), np.float32)
    )
    segmentation = segment_lesions(combine([other]), threshold=0.5, min_lesion_mm3=3.0)
    with pytest.raises(ValueError, match="working grid"):
        result_warnings(working, other, segmentation)
