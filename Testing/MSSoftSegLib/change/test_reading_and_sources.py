"""What a comparison takes: finished results that are whole, two different visits of one person in their order."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from MSSoftSegLib.change.comparison import compare_visits
from MSSoftSegLib.change.differences import VisitDifference, check_comparable, findings
from MSSoftSegLib.change.reading import is_result_folder, read_visit
from MSSoftSegLib.change.visit import LesionRegion
from MSSoftSegLib.errors import BadExam
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.change.sources import sources
from Testing.MSSoftSegLib.change.small_results import write_result_of
from Testing.MSSoftSegLib.change.small_visits import Spot, pose, visit, way

LESIONS = [Spot((-10, 0, 0), 5), Spot((10, 4, 2), 4)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two finished results of one small head."""
    folder = tmp_path_factory.mktemp("results")
    write_result_of(visit(LESIONS), folder / "first")
    write_result_of(visit(LESIONS, seed=2), folder / "second")
    return folder


def write_exam(folder, seed, **sidecar):
    folder.mkdir()
    write_result_of(visit(LESIONS, seed=seed), folder / "made")
    shutil.move(folder / "made" / "working" / "FLAIR.nii.gz", folder / "FLAIR.nii.gz")
    shutil.rmtree(folder / "made")
    if sidecar:
        (folder / "FLAIR.json").write_text(json.dumps(sidecar))
    return folder


def test_a_finished_result_is_read_as_it_was_written(results):
    own, read = visit(LESIONS), read_visit(results / "first", name="before")
    assert is_result_folder(results / "first")
    assert np.allclose(voxels(read.probability), voxels(own.probability), atol=1e-6)
    assert np.array_equal(voxels(read.native_instances), voxels(own.native_instances))
    assert read.volume_ml == pytest.approx(own.volume_ml)
    assert (read.model, read.threshold) == (own.model, own.threshold)


def test_a_result_without_its_working_images_says_what_to_do(results, tmp_path):
    shutil.copytree(results / "first", tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "working")
    with pytest.raises(BadExam, match="--keep-working"):
        read_visit(tmp_path / "bare", name="before")


@pytest.mark.parametrize("missing", ["lesion_probability.nii.gz", "lesion_instances.nii.gz"])
def test_a_result_that_lost_a_file_names_it(results, tmp_path, missing):
    shutil.copytree(results / "first", tmp_path / "torn")
    (tmp_path / "torn" / missing).unlink()
    with pytest.raises(BadExam, match=missing):
        read_visit(tmp_path / "torn", name="before")


def test_regions_are_taken_where_the_table_has_them(results, tmp_path):
    shutil.copytree(results / "first", tmp_path / "told")
    table = "id,region,ventricle_distance_mm,cortex_distance_mm\n1,periventricular,0.5,\n2,,,\n"
    (tmp_path / "told" / "lesions.csv").write_text(table)
    regions = read_visit(tmp_path / "told", name="before").regions
    assert regions == {1: LesionRegion("periventricular", 0.5, None)}


def test_the_same_images_twice_are_refused_before_anything_is_computed(results, tmp_path):
    with pytest.raises(BadExam, match="same images"):
        sources([results / "first", results / "first"])
    with pytest.raises(BadExam, match="same images"):
        sources([write_exam(tmp_path / "a", 1), write_exam(tmp_path / "b", 1)])


def test_two_patients_are_refused_by_their_sidecars_without_naming_them(tmp_path):
    exams = [write_exam(tmp_path / "a", 1, PatientID="Doe"), write_exam(tmp_path / "b", 2, PatientID="Roe")]
    with pytest.raises(BadExam, match="different patients") as problem:
        sources(exams)
    assert "Doe" not in str(problem.value)


def test_visits_in_the_wrong_order_are_refused_by_their_dates(tmp_path):
    late = write_exam(tmp_path / "a", 1, AcquisitionDateTime="2025-03-01T10:00:00", PatientID="x")
    early = write_exam(tmp_path / "b", 2, AcquisitionDateTime="2024-03-01T10:00:00", PatientID="x")
    assert [source.name for source in sources([early, late])] == ["before", "after"]
    with pytest.raises(BadExam, match="order of time"):
        sources([late, early])


def test_results_of_two_models_are_refused(results):
    one, other = visit(LESIONS), visit(LESIONS, seed=2, model=("other", "1", "0"))
    with pytest.raises(BadExam, match="segmented differently"):
        check_comparable(one, other)
    check_comparable(one, visit(LESIONS, seed=2))


def said(before, after, half=None):
    return {finding.difference for finding in findings(compare_visits(before, after, half or way()))}


def test_two_scans_by_one_protocol_have_nothing_to_be_said_about():
    assert said(visit(LESIONS), visit(LESIONS, name="after", seed=2)) == set()


def test_another_slice_thickness_a_missing_image_and_less_coverage_are_said():
    both = (Modality.FLAIR, Modality.T1)
    thick = visit(LESIONS, name="after", seed=2, slices_mm=3, lowest_mm=-15.0)
    assert said(visit(LESIONS, modalities=both), thick) == {
        VisitDifference.VOXELS,
        VisitDifference.MODALITY,
        VisitDifference.COVERAGE,
    }


def test_another_head_is_noticed_and_so_is_one_that_was_laid_wrong():
    askew = pose(20, (9, 4, -8))
    assert VisitDifference.PERSON in said(visit(LESIONS), visit(LESIONS, name="after", seed=2, where=askew))


def test_lesions_that_all_grew_alike_speak_for_the_scanner():
    places = [(x, y, z) for x in (-11, 11) for y in (-12, 0, 12) for z in (-8, 8)]
    small, large = ([Spot(place, radius) for place in places] for radius in (2.6, 3.1))
    assert VisitDifference.COMMON in said(visit(small), visit(large, name="after", seed=2))
