"""The report after correction: whose it is, how far she came, and the numbers of the corrected mask."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import GridMismatch, MSSoftSegError
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import compute_sha256, write_image
from MSSoftSegLib.jobs.documents.report import ReportJob, ReportSpec
from MSSoftSegLib.jobs.segment import reviewed_report
from MSSoftSegLib.jobs.segment.reviewed_report import run_report
from MSSoftSegLib.lesion.live.voxel_set import compute_voxel_digest
from MSSoftSegLib.region.burden import BrainVolumes, burden
from MSSoftSegLib.region.dissemination import dissemination
from MSSoftSegLib.region.exam_regions import ExamRegions
from MSSoftSegLib.region.kept_regions import write_region_maps
from MSSoftSegLib.region.places import LesionPlace
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import REGIONS, Place, Region
from MSSoftSegLib.report.lesion_table import write_lesions_csv
from MSSoftSegLib.report.region_facts import make_region_facts
from Testing.MSSoftSegLib.report.made_up import (
    LPS,
    block,
    grid_around_origin,
    head,
    points_lps,
    result_of,
    segmentation_of,
)
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
    why = "since this result keeps no map of regions; segment the exam again to have one."
    assert f"Without region, and counted in none: 1 drawn by hand, {why}" in write_report(result, tmp_path, drawn).text
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


# A motion of the head between T1, on whose grid regions are found, and FLAIR.
FLAIR_FROM_WORKING = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.1, -0.05, 0.2, (9.0, -4.0, 6.0))


def regions_of_the_patient() -> RegionMap:
    """In LPS of FLAIR: below the tentorium z < -20; else ventricle 20 mm and more to the left of the middle, cortex in front.

    The brain ends 50 mm from the middle. On a grid of the working space, as the run has it.
    """
    grid = grid_around_origin(LPS, (2.0, 2.0, 2.0))
    homogeneous = np.append(points_lps(grid), np.ones((*grid.size[::-1], 1)), axis=-1)
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(FLAIR_FROM_WORKING.GetMatrix(), (3, 3))
    matrix[:3, 3] = FLAIR_FROM_WORKING.TransformPoint((0.0, 0.0, 0.0))
    x, y, z = np.moveaxis((homogeneous @ matrix.T)[..., :3], -1, 0)
    label = np.where(y < -40, Region.CORTEX, Region.CEREBRAL_WHITE)
    label[x > 20] = Region.LATERAL_VENTRICLE
    label[z < -20] = Region.INFRATENTORIAL
    label[np.max(np.abs([x, y, z]), axis=0) > 50] = Region.OUTSIDE
    return RegionMap({r: grid.image((label == r).astype(np.float32)) for r in REGIONS}, "made up")


@pytest.fixture(scope="module")
def result_with_regions(result, tmp_path_factory):
    """The result as ``segment`` leaves it now: with its regions."""
    folder = tmp_path_factory.mktemp("with") / "result"
    shutil.copytree(result[0], folder)
    path = folder / "region_probabilities.nii.gz"
    write_region_maps(regions_of_the_patient(), FLAIR_FROM_WORKING, path)
    facts = result_of(result[1], regions=made_up_regions(result[1]), region_probabilities_sha256=compute_sha256(path))
    (folder / "result.json").write_text(facts.model_dump_json(), encoding="utf-8")
    return folder, result[1]


def with_drawn(found, center_lps, side_mm=12) -> np.ndarray:
    """The larger of the model's lesions, and a block that the reader drew."""
    return ((voxels(found.instances) == 1) | block(GRID, center_lps, side_mm)).astype(np.uint8)


@pytest.fixture
def rendered(monkeypatch):
    """What the page was to be made of; drawing its pictures takes longer than all else."""
    given = {}

    def render(**facts):
        given.update(facts)
        return "<html></html>"

    monkeypatch.setattr(reviewed_report, "render_report", render)
    return given


def counted(rendered) -> dict[str, int]:
    """Places that hold lesions."""
    return {place.value: count for place, count in rendered["result"].regions.count_by_place.items() if count}


@pytest.mark.parametrize(
    ("center_lps", "place", "at_least"),
    [
        ((0, 0, -38), "infratentorial", 0.99),
        ((-30, -33, 0), "juxtacortical", 0.5),
        # Left and right of the patient differ: there is a ventricle on the left only.
        ((14, -20, 8), "periventricular", 0.0),
        ((-14, -20, 8), "deep_white", 0.0),
    ],
)
def test_a_drawn_lesion_is_placed_by_the_exams_regions_and_counts(
    result_with_regions, tmp_path, rendered, center_lps, place, at_least
):
    write_report(result_with_regions, tmp_path, with_drawn(result_with_regions[1], center_lps))
    assert counted(rendered) == ({place: 2} if place == "periventricular" else {"periventricular": 1, place: 1})
    for answer in rendered["result"].regions.dissemination_in_space:
        assert at_least <= answer.at_least_two_places_probability <= max(at_least * 2, 0.02)
    drawn = min(rendered["segmentation"].lesions, key=lambda lesion: lesion.volume_mm3)
    assert (drawn.status, drawn.region) == ("drawn", place)
    assert drawn.longest_axis_mm > 12
    assert drawn.ventricle_distance_mm is not None


def test_without_a_page_it_says_where_drawn_lesions_lie_by_their_voxels(result_with_regions, tmp_path):
    folder, found = result_with_regions
    labels = with_drawn(found, (0, 0, -38))
    write_image(GRID.image(labels), tmp_path / "labels.nii.gz")
    given = {"threshold": 0.4, "min_lesion_mm3": 0.0, "decided": 0, "lesions": 2}
    # Whoever shows the table gives the map itself for its grid.
    spec = ReportSpec(
        result=folder, reference=folder / "lesion_probability.nii.gz", labels=tmp_path / "labels.nii.gz", **given
    )
    events = []
    assert run_report(ReportJob(job="r", kind="report", spec=spec), events.append, lambda: False) == folder
    (place,) = events[-1]["summary"]["places"]
    drawn = np.flatnonzero(block(GRID, (0, 0, -38), 12))
    assert (place["voxels"], place["region"]) == (compute_voxel_digest(drawn), "infratentorial")
    assert set(place["membership"]) == set(Place)
    assert place["cortex_distance_mm"] > 10
    assert [path.name for path in tmp_path.iterdir()] == ["labels.nii.gz"]


def test_the_page_says_what_was_placed_anew(result_with_regions, tmp_path):
    page = write_report(result_with_regions, tmp_path, with_drawn(result_with_regions[1], (0, 0, -38)))
    assert "drawn and changed lesions lie where this exam’s regions say (1 here), the others where the run" in page.text
    assert "Without region" not in page.text
    assert " infratentorial 1 " in page.text
    assert page.text.count("places, those not entered counted as free: 1.00") == 2


def test_a_lesion_that_was_not_touched_keeps_exactly_what_the_run_said(result_with_regions, tmp_path, rendered):
    found = result_with_regions[1]
    # By the regions the second lesion, (-25, 10, 10), lies in white matter; the run said otherwise, and surely.
    write_report(result_with_regions, tmp_path, None)
    assert counted(rendered) == {"periventricular": 1, "infratentorial": 1}
    assert rendered["result"].regions.lesions == made_up_regions(found).lesions
    assert rendered["review"].placed_anew == 0
    grown = (voxels(found.mask) | block(GRID, (-25, 10, 22), 14)).astype(np.uint8)
    (tmp_path / "grown").mkdir()
    write_report(result_with_regions, tmp_path / "grown", grown)
    assert counted(rendered) == {"periventricular": 1, "deep_white": 1}
    assert rendered["result"].regions.lesions[0] == made_up_regions(found).lesions[0]
    assert rendered["review"].placed_anew == 1


def test_what_was_drawn_outside_the_brain_has_no_place(result_with_regions, tmp_path):
    page = write_report(result_with_regions, tmp_path, with_drawn(result_with_regions[1], (0, -62, 0)))
    assert "periventricular 1" in page.text
    assert "juxtacortical or cortical 0" in page.text
    assert "Without region, and counted in none: 1 mostly outside of the brain." in page.text


@pytest.mark.parametrize("damage", ["cut", "foreign", "gone"])
def test_with_damaged_or_foreign_regions_nothing_is_placed_and_it_says_so(
    result_with_regions, tmp_path, rendered, damage, caplog
):
    folder, found = result_with_regions
    hurt = tmp_path / "hurt"
    shutil.copytree(folder, hurt)
    path = hurt / "region_probabilities.nii.gz"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "foreign":
        write_region_maps(regions_of_the_patient(), sitk.Transform(3, sitk.sitkIdentity), path)
    else:
        path.unlink()
    (tmp_path / "out").mkdir()
    write_report((hurt, found), tmp_path / "out", with_drawn(found, (0, 0, -38)))
    assert counted(rendered) == {"periventricular": 1}
    assert rendered["review"].regions_problem.startswith("region_probabilities.nii.gz ")
    assert "drawn and changed lesions are not placed" in caplog.text
