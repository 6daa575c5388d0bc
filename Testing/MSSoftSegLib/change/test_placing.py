"""Foci and drawn lesions are placed by the regions of the visit that shows them, kept by its result or found anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.change.comparison import compare_visits
from MSSoftSegLib.change.readers_mask import correct_visit
from MSSoftSegLib.change.reading import read_visit
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.linear import matrix_of
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.change import placing
from MSSoftSegLib.jobs.change.placing import VisitRegions, place_groups
from MSSoftSegLib.region.kept_regions import write_region_maps
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import REGIONS, Region
from Testing.MSSoftSegLib.change.small_results import write_result_of
from Testing.MSSoftSegLib.change.small_visits import MIDDLE, Spot, pose, visit, way

OLD = [Spot((-12, 0, 0), 5), Spot((12, 0, 0), 4)]
# Surer than a faint focus needs to be, less sure than the lesion mask asks for.
FAINT = Spot((0, 14, 6), 4.5, 0.45)


def ras(place):
    """A spot's place in the space between of heads that did not move."""
    return (MIDDLE + place) * (-1, -1, 1)


def test_a_faint_focus_and_a_drawn_lesion_are_placed_by_the_regions_of_the_visit_that_shows_them():
    before = replace(visit(OLD), regions={})
    after = replace(visit([*OLD, FAINT], name="after", seed=2), regions={})
    asked = []

    def regions(shown):
        """White matter on one side, infratentorial brain on the other, a ventricle below."""
        asked.append(shown.name)
        grid = shown.working.grid
        arrays = {region: np.zeros(grid.size[::-1], np.float32) for region in REGIONS}
        side = np.arange(grid.size[0]) < grid.size[0] / 2
        arrays[Region.INFRATENTORIAL][:, :, side] = 1
        arrays[Region.CEREBRAL_WHITE][:, :, ~side] = 1
        return RegionMap({region: grid.image(array) for region, array in arrays.items()}, "made")

    rows = place_groups(compare_visits(before, after, way()), regions).changes
    by_side = {row.region.name for row in rows if not row.group.is_faint}
    assert by_side == {"infratentorial", "deep_white"}
    assert all(row.region is not None for row in rows if row.group.is_faint)
    assert asked == ["after"]
    unknown = place_groups(compare_visits(visit(OLD), replace(after, regions=None), way()), regions).changes
    assert {row.region for row in unknown} == {None}


def regions_by_side(shown) -> RegionMap:
    """A soft border: infratentorial brain on one side, a ventricle behind, white matter."""
    grid = shown.working.grid
    _z, y, x = np.indices(grid.size[::-1], np.float32)
    below = 1 / (1 + np.exp((x - grid.size[0] / 2) / 3))
    wet = (1 - below) / (1 + np.exp(y - grid.size[1] / 5))
    arrays = {Region.INFRATENTORIAL: below, Region.LATERAL_VENTRICLE: wet, Region.CEREBRAL_WHITE: 1 - below - wet}
    empty = np.zeros_like(x)
    return RegionMap({r: grid.image(arrays.get(r, empty).astype(np.float32)) for r in REGIONS}, "made")


def seen_askew(shown, move):
    """The visit with FLAIR's own space elsewhere than the working space, by a rigid motion."""
    matrix = matrix_of(move)

    def moved(image):
        copy = sitk.Image(image)
        copy.SetOrigin(move.TransformPoint(image.GetOrigin()))
        copy.SetDirection((matrix[:3, :3] @ np.reshape(image.GetDirection(), (3, 3))).ravel().tolist())
        return copy

    probability, instances = moved(shown.native_probability), moved(shown.native_instances)
    working = replace(
        shown.working,
        native_from_working={Modality.FLAIR: move},
        native_grids={Modality.FLAIR: Grid.of(probability)},
    )
    return replace(shown, working=working, native_probability=probability, native_instances=instances)


@pytest.mark.parametrize("reader", [False, True])
def test_regions_that_a_result_keeps_give_the_same_places_and_are_not_found_again(tmp_path, monkeypatch, reader):
    shown = seen_askew(visit([*OLD, FAINT], name="after", seed=2), pose(9, (4.0, -6.0, 3.0)))
    folder = write_result_of(shown, tmp_path / "r", regions_by_side(shown))
    kept = read_visit(folder, name="after")
    if reader:
        labels = (voxels(kept.native_instances) > 0).astype(np.uint8)
        labels[2:4, 20:24, 20:24] = 1
        kept = correct_visit(kept, labels)
    asked = []
    monkeypatch.setattr(placing, "map_regions", lambda working, _lesions: asked.append(1) or regions_by_side(shown))
    comparison = compare_visits(visit(OLD), kept, way())
    rows = place_groups(comparison, VisitRegions({"after": folder})).changes
    assert not asked
    anew = place_groups(comparison, VisitRegions()).changes
    assert asked
    assert [(row.change, row.region.name) for row in rows] == [(row.change, row.region.name) for row in anew]
    assert len({row.region.name for row in rows}) > 1
    for row, was in zip(rows, anew, strict=True):
        assert row.region.ventricle_distance_mm == pytest.approx(was.region.ventricle_distance_mm, abs=1e-3)


def test_regions_of_another_visit_are_not_used(tmp_path, monkeypatch, caplog):
    shown = visit([*OLD, FAINT], name="after", seed=2)
    folder = write_result_of(shown, tmp_path / "r", regions_by_side(shown))
    other = seen_askew(visit(OLD), pose(9, (4.0, -6.0, 3.0)))
    write_region_maps(regions_by_side(other), other.native_from_working, folder / "region_probabilities.nii.gz")
    monkeypatch.setattr(placing, "map_regions", lambda working, _lesions: regions_by_side(shown))
    comparison = compare_visits(visit(OLD), read_visit(folder, name="after"), way())
    assert all(row.region for row in place_groups(comparison, VisitRegions({"after": folder})).changes)
    assert "the regions of after are found anew: region_probabilities.nii.gz is not the file" in caplog.text


def test_regions_that_cannot_be_found_leave_the_place_open_and_the_comparison_whole(caplog):
    after = replace(visit([*OLD, FAINT], name="after", seed=2), regions={})
    rows = place_groups(compare_visits(visit(OLD), after, way()), VisitRegions()).changes
    assert len(rows) == 3
    assert {row.region for row in rows} == {None}
    assert "no whole brain" in caplog.text
