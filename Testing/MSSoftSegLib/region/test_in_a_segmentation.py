"""Places in what ``segment`` answers: every lesion has one, and a brain without any is segmented all the same."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region import exam_regions
from MSSoftSegLib.segmenting.placing import add_places
from Testing.MSSoftSegLib.region.box_brain import GRID, box_brain, lesion

INSIDE = GRID.image(np.ones(GRID.size[::-1], np.uint8))
SAME = {Modality.FLAIR: sitk.Transform(3, sitk.sitkIdentity)}
FLAIR = GRID.image(np.full(GRID.size[::-1], 100.0, np.float32))
EXAM = WorkingExam({Modality.FLAIR: FLAIR}, INSIDE, Modality.FLAIR, SAME, {Modality.FLAIR: GRID}, {})


@pytest.fixture
def found():
    """A lesion beside the ventricle and a smaller one in the white matter."""
    probability = GRID.image(0.9 * (lesion((10, 18)) + lesion((27, 33))).astype(np.float32))
    return segment_lesions(combine([probability]), threshold=0.5, min_lesion_mm3=0), probability


def test_every_lesion_gets_its_place_its_distances_and_its_axis(found, monkeypatch):
    brain = box_brain()
    monkeypatch.setattr(exam_regions, "map_regions", lambda working, lesions: brain)
    segmentation, regions, problem = add_places(*found, EXAM, Modality.FLAIR)
    assert problem is None
    first, second = segmentation.lesions
    assert (first.region, second.region) == ("periventricular", "deep_white")
    assert first.region_probability > 0.9
    assert first.ventricle_distance_mm == 0
    assert second.cortex_distance_mm == pytest.approx(17, abs=0.6)
    assert first.longest_axis_mm == pytest.approx(np.sqrt(7**2 + 4**2 + 4**2) + 1)
    assert regions.volumes.lesions_ml == pytest.approx(segmentation.volume_ml)
    assert regions.region_map is brain


def test_a_piece_of_a_brain_is_segmented_and_says_why_places_are_missing(found):
    segmentation, regions, problem = add_places(*found, EXAM, Modality.FLAIR)
    assert regions is None
    assert problem == "the brain mask holds 72 ml, which is no whole brain"
    assert [each.region for each in segmentation.lesions] == [None, None]
    assert all(each.longest_axis_mm > 5 for each in segmentation.lesions)


def test_whatever_stops_the_map_of_regions_does_not_stop_the_segmentation(found, monkeypatch):
    def broken(working, lesions):
        raise RuntimeError("ITK: all samples map outside, /home/somebody/patient")

    monkeypatch.setattr(exam_regions, "map_regions", broken)
    segmentation, regions, problem = add_places(*found, EXAM, Modality.FLAIR)
    assert (len(segmentation.lesions), regions, problem) == (2, None, "it stopped with RuntimeError")
