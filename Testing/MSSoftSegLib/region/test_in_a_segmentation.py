"""Places in what ``segment`` answers: every lesion has one, and a brain without any is segmented all the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.segment import result_writing
from MSSoftSegLib.jobs.segment.result_writing import write_result
from MSSoftSegLib.lesion.segmentation import segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.region import exam_regions
from MSSoftSegLib.region.exam_anatomy import find_anatomy
from MSSoftSegLib.region.kept_regions import KeptRegions
from MSSoftSegLib.region.places import place_lesions
from MSSoftSegLib.report.region_facts import make_lesion_region_facts, make_region_facts
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.segmenting.placing import add_places
from Testing.MSSoftSegLib.region.box_brain import GRID, box_brain, lesion
from Testing.MSSoftSegLib.report.made_up import result_of

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
    monkeypatch.setattr(exam_regions, "regions_in", lambda anatomy, working, lesions: brain)
    segmentation, regions, problem = add_places(*found, EXAM, lambda: None, Modality.FLAIR)
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
    segmentation, regions, problem = add_places(*found, EXAM, partial(find_anatomy, EXAM), Modality.FLAIR)
    assert regions is None
    assert problem == "the brain mask holds 72 ml, which is no whole brain"
    assert [each.region for each in segmentation.lesions] == [None, None]
    assert all(each.longest_axis_mm > 5 for each in segmentation.lesions)


def test_whatever_stops_the_map_of_regions_does_not_stop_the_segmentation(found):
    def broken():
        raise RuntimeError("ITK: all samples map outside, /home/somebody/patient")

    segmentation, regions, problem = add_places(*found, EXAM, broken, Modality.FLAIR)
    assert (len(segmentation.lesions), regions, problem) == (2, None, "it stopped with RuntimeError")


def test_a_result_holds_the_regions_over_its_reference_image_and_knows_them_again(found, monkeypatch, tmp_path):
    monkeypatch.setattr(exam_regions, "regions_in", lambda anatomy, working, lesions: box_brain())
    monkeypatch.setattr(result_writing, "write_report", lambda path, **_facts: path.touch())
    # T1 lies elsewhere than the working space, which is FLAIR's; the result lies on T1.
    move = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.1, 0.2, -0.1, (5.0, -8.0, 3.0))
    exam = replace(
        EXAM,
        images={Modality.FLAIR: FLAIR, Modality.T1: FLAIR},
        native_from_working={**SAME, Modality.T1: move},
        native_grids={Modality.FLAIR: GRID, Modality.T1: GRID},
    )
    segmentation, regions, _problem = add_places(*found, exam, lambda: None, Modality.T1)
    answer = SimpleNamespace(
        segmentation=segmentation,
        lesions=segmentation.lesions,
        regions=regions,
        working=exam,
        reference=Modality.T1,
        exam=SimpleNamespace(image=lambda modality: FLAIR),
        model=SimpleNamespace(card=""),
    )
    write_result(tmp_path, answer, result_of(segmentation, regions=make_region_facts(regions)), None)
    facts = Result.model_validate_json((tmp_path / "result.json").read_bytes())
    assert facts.region_probabilities_sha256 == compute_sha256(tmp_path / "region_probabilities.nii.gz")
    kept, problem = KeptRegions(tmp_path, facts.region_probabilities_sha256, facts.regions.regions).read()
    assert (problem, kept.source) == (None, "boxes")
    again = place_lesions(segmentation.instances, kept)
    assert [make_lesion_region_facts(each).region for each in again] == [each.region for each in facts.regions.lesions]
    for place, was in zip(again, facts.regions.lesions, strict=True):
        assert place.distance_to_ventricle_mm == pytest.approx(was.ventricle_distance_mm, abs=0.01)


def test_a_result_without_regions_has_no_file_of_them(found, monkeypatch, tmp_path):
    monkeypatch.setattr(result_writing, "write_report", lambda path, **_facts: path.touch())
    segmentation, regions, problem = add_places(*found, EXAM, partial(find_anatomy, EXAM), Modality.FLAIR)
    answer = SimpleNamespace(
        segmentation=segmentation,
        lesions=segmentation.lesions,
        regions=regions,
        exam=SimpleNamespace(image=lambda modality: FLAIR),
        reference=Modality.FLAIR,
        model=SimpleNamespace(card=""),
    )
    write_result(tmp_path, answer, result_of(segmentation, regions_problem=problem), None)
    assert not (tmp_path / "region_probabilities.nii.gz").exists()
    assert Result.model_validate_json((tmp_path / "result.json").read_bytes()).region_probabilities_sha256 is None
