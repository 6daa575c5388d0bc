"""The report after correction: whose it is, how far she came, and the numbers of the corrected mask."""

from __future__ import annotations

import numpy as np
import pytest

from MSSoftSegLib.errors import GridMismatch, MSSoftSegError
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.jobs.documents.report import ReportJob, ReportSpec
from MSSoftSegLib.jobs.segment.reviewed_report import run_report
from MSSoftSegLib.region.burden import BrainVolumes, burden
from MSSoftSegLib.region.dissemination import dissemination
from MSSoftSegLib.region.exam_regions import ExamRegions
from MSSoftSegLib.region.places import LesionPlace
from MSSoftSegLib.region.regions import Place
from MSSoftSegLib.report.lesion_table import write_lesions_csv
from MSSoftSegLib.report.region_facts import make_region_facts
from Testing.MSSoftSegLib.report.made_up import LPS, block, grid_around_origin, head, result_of, segmentation_of
from Testing.MSSoftSegLib.report.test_html import Page

GRID = grid_around_origin(LPS, (5.0, 5.0, 6.0))


def surely_in(number: int, place: Place) -> LesionPlace:
    """A lesion of 20 mm that lies in one place only."""
    only = {each: float(each is place) for each in Place}
    return LesionPlace(number, 1.0, 1.0, 20.0, only, only)


def made_up_regions(found):
    """The larger lesion lies at the ventricle, the smaller one below the tentorium: dissemination in space by 1."""
    places = (surely_in(1, Place.PERIVENTRICULAR), surely_in(2, Place.INFRATENTORIAL))
    volumes_mm3 = {lesion.id: lesion.volume_mm3 for lesion in found.lesions}
    volumes = BrainVolumes(1500.0, 1200.0, 30.0, found.volume_ml)
    return make_region_facts(
        ExamRegions("made up", places, burden(places, volumes_mm3), volumes, dissemination(places, {}))
    )


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A result folder of two lesions, its reference beside it."""
    folder = tmp_path_factory.mktemp("result")
    found = segmentation_of(GRID, block(GRID, (20, 0, 0), 22), block(GRID, (-25, 10, 10), 14))
    for name, image in (("probability", found.maps.probability), ("entropy", found.maps.entropy)):
        write_image(image, folder / f"lesion_{name}.nii.gz")
    write_lesions_csv(folder / "lesions.csv", found.lesions)
    facts = result_of(found, regions=made_up_regions(found))
    (folder / "result.json").write_text(facts.model_dump_json(), encoding="utf-8")
    write_image(head(GRID, voxels(found.mask) > 0), folder / "FLAIR.nii.gz")
    return folder, found


def write_report(result, tmp_path, labels, **changes) -> Page:
    folder, found = result
    write_image(found.mask if labels is None else GRID.image(labels), tmp_path / "labels.nii.gz")
    given = {"threshold": 0.4, "min_lesion_mm3": 0.0, "decided": 1, "lesions": 2, **changes}
    reference = folder / "FLAIR.nii.gz"
    spec = ReportSpec(
        result=folder, reference=reference, labels=tmp_path / "labels.nii.gz", out=tmp_path / "r.html", **given
    )
    events = []
    run_report(ReportJob(job="r", kind="report", spec=spec), events.append, lambda: False)
    assert events[-1]["event"] == "result"
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["labels.nii.gz", "r.html"]
    return Page((tmp_path / "r.html").read_text(encoding="utf-8"))


def test_it_says_who_reviewed_how_many_and_counts_what_is_left(result, tmp_path):
    labels = voxels(result[1].instances) == 1
    page = write_report(result, tmp_path, labels.astype(np.uint8), reviewer="Dr. <b>Anna</b>")
    assert "Reviewed by Dr. <b>Anna</b>, 1 of 2 lesions decided" in page.text
    assert "<b>Anna" not in page.source, "a name is text, not markup"
    ml = labels.sum() * 150 / 1000
    assert f"Lesions 1 as corrected Lesion volume {ml:.2f} ml as corrected" in page.text
    assert "Lesions that were not decided on are a model’s suggestion" in page.text


def test_a_complete_review_asks_for_no_further_confirmation(result, tmp_path):
    page = write_report(result, tmp_path, None, decided=2)
    assert "Reviewed by a reader who gave no name, 2 of 2 lesions decided" in page.text
    assert "suggestion" not in page.text
    assert "Research use only" in page.text


def test_a_drawn_lesion_is_listed_as_drawn(result, tmp_path):
    labels = voxels(result[1].mask).copy()
    labels[14:16, 20:22, 14:16] = 1
    page = write_report(result, tmp_path, labels)
    assert sum(cell.startswith("drawn by hand") for cell in page.cells) == 1


def test_a_rejected_lesion_leaves_regions_and_dissemination_in_space(result, tmp_path):
    assert "places, those not entered counted as free: 1.00" in write_report(result, tmp_path, None).text
    left = voxels(result[1].instances) == 1
    page = write_report(result, tmp_path, left.astype(np.uint8))
    ml = left.sum() * 150 / 1000
    assert f"periventricular 1 {ml:.2f} juxtacortical or cortical 0 0.00 infratentorial 0 0.00" in page.text
    assert "Counted after correction, without rejected lesions" in page.text
    assert "infratentorial 0.00, spinal cord not entered" in page.text
    assert page.text.count("places, those not entered counted as free: 0.00") == 2
    assert f"of brain tissue {ml:.2f} {ml / 1200:.5f}" in page.text


def test_what_was_entered_about_the_spinal_cord_counts(result, tmp_path):
    left = (voxels(result[1].instances) == 1).astype(np.uint8)
    page = write_report(result, tmp_path, left, spinal_cord="affected", optic_nerve="not-affected")
    assert "spinal cord 1.00" in page.text
    assert page.text.count("counted as free: 1.00") == 2


def test_a_drawn_lesion_has_no_place_and_one_that_joins_two_has_both(result, tmp_path):
    drawn = voxels(result[1].mask).copy()
    drawn[14:16, 20:22, 14:16] = 1
    assert "Without region, and counted in none: 1 drawn by hand." in write_report(result, tmp_path, drawn).text
    joined = np.ones_like(drawn)
    page = write_report(result, tmp_path, joined)
    assert "Without region" not in page.text
    assert page.text.count("counted as free: 1.00") == 2


def test_without_regions_in_the_result_there_are_none_after_review(result, tmp_path):
    folder, found = result
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in folder.iterdir():
        (bare / path.name).write_bytes(path.read_bytes())
    without = result_of(found, regions_problem="no fluid was found")
    (bare / "result.json").write_text(without.model_dump_json(), encoding="utf-8")
    (tmp_path / "out").mkdir()
    page = write_report((bare, found), tmp_path / "out", None)
    assert "Not found: no fluid was found" in page.text


def test_nothing_left_is_a_report_too(result, tmp_path):
    page = write_report(result, tmp_path, np.zeros(GRID.size[::-1], np.uint8), decided=2)
    assert "No lesion in the corrected segmentation" in page.text


def test_a_correction_on_another_grid_and_more_decided_than_there_are_is_refused(result, tmp_path):
    other = grid_around_origin(LPS, (6.0, 5.0, 6.0))
    write_image(other.image(np.ones(other.size[::-1], np.uint8)), tmp_path / "other.nii.gz")
    folder, _found = result
    given = {"result": folder, "reference": folder / "FLAIR.nii.gz", "threshold": 0.4, "min_lesion_mm3": 0.0}
    spec = ReportSpec(labels=tmp_path / "other.nii.gz", decided=0, lesions=2, out=tmp_path / "r.html", **given)
    with pytest.raises(GridMismatch):
        run_report(ReportJob(job="r", kind="report", spec=spec), lambda _event: None, lambda: False)
    with pytest.raises(MSSoftSegError, match=r"result\.json"):
        run_report(
            ReportJob(job="r", kind="report", spec=spec.model_copy(update={"result": tmp_path})),
            lambda _e: None,
            lambda: False,
        )
    assert not (tmp_path / "r.html").exists()
    with pytest.raises(ValueError, match="cannot be decided"):
        ReportSpec(labels=tmp_path / "other.nii.gz", decided=3, lesions=2, out=tmp_path / "r.html", **given)
