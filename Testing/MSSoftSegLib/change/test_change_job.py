"""The whole job on finished results: its folder is complete or absent, and says the same in table, facts and page."""

from __future__ import annotations

import csv
import json
from collections import Counter

import numpy as np
import pytest
import SimpleITK as sitk

from MSSoftSegLib.change.document import ChangeDocument
from MSSoftSegLib.change.table import COLUMNS
from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.exam.image_file import read_image, write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.jobs.segment import segment
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.region.regions import REGIONS, Region
from Testing.MSSoftSegLib.change.small_results import write_result_of
from Testing.MSSoftSegLib.change.small_visits import Spot, pose, visit

FIRST = [Spot((-12, 0, 0), 5), Spot((12, 0, 0), 4), Spot((0, 14, 4), 3.5)]
SECOND = [Spot((-12, 0, 0), 5), Spot((12, 0, 0), 6), Spot((0, 14, 4), 3.5), Spot((0, -14, -4), 4)]
THIRD = [Spot((-12, 0, 0), 5), Spot((12, 0, 0), 6), Spot((0, -14, -4), 4)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Results of three visits, and the comparison of all three."""
    folder = tmp_path_factory.mktemp("change")
    for number, spots in enumerate((FIRST, SECOND, THIRD), start=1):
        where = pose(2.0 * number, (number, -number, 1))
        write_result_of(visit(spots, seed=number, where=where), folder / f"v{number}")
    words = ["change", *(w for n in (1, 2, 3) for w in ("--visit", str(folder / f"v{n}")))]
    assert run_command([*words, "--out", str(folder / "out")]) == 0
    return folder


def test_facts_table_and_images_agree(place):
    document = ChangeDocument.model_validate_json((place / "out" / "change.json").read_text())
    assert [Counter(g.change.value for g in pair.groups) for pair in document.pairs] == [
        {"stable": 2, "enlarging": 1, "new": 1},
        {"stable": 3, "resolved": 1},
    ]
    with (place / "out" / "change.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == 8
    for pair in document.pairs:
        own = [row for row in rows if row["pair"] == pair.name]
        assert [int(row["group"]) for row in own] == [group.id for group in pair.groups]
        chances = [float(row["p_change"]) for row in own]
        assert chances == sorted(chances, reverse=True)
        for side in ("before", "after"):
            labels = sitk.GetArrayFromImage(
                sitk.ReadImage(str(place / "out" / pair.name / side / "change_labels.nii.gz"))
            )
            there = {group.id for group in pair.groups if getattr(group, f"{side}_lesions")}
            assert set(np.unique(labels)) - {0} == there


def test_every_lesion_has_its_history_through_all_visits(place):
    histories = json.loads((place / "out" / "change.json").read_text())["histories"]
    words = sorted(tuple(w for pair in history["words"] for w in pair) for history in histories)
    assert words == [("enlarging", "stable"), ("new", "stable"), ("stable", "resolved"), ("stable", "stable")]
    for history in histories:
        assert [bool(numbers) for numbers in history["lesions"]] == [v > 0 for v in history["volumes_mm3"]]


def test_the_page_stands_alone_and_shows_every_pair(place):
    page = (place / "out" / "report.html").read_text()
    assert page.count("<h2>visit ") == 2
    assert "Volumes over time" in page
    assert "http" not in page.replace('http-equiv="Content', "")
    assert str(place) not in page


def test_the_page_begins_with_what_the_totals_became_and_gives_no_percentage_of_nothing(place):
    page = (place / "out" / "report.html").read_text()
    visits = json.loads((place / "out" / "change.json").read_text())["visits"]
    first, second = visits[0], visits[1]
    totals = page.index(f"Lesion volume {first['volume_ml']:.2f} → {second['volume_ml']:.2f} ml (")
    assert totals < page.index("<figure")
    assert f"lesions {first['lesions']} → {second['lesions']}." in page
    assert page.count("Lesions of both visits by the model.") == 2
    assert "100 %</td>" not in page, "a lesion that is there at one visit only"
    assert ">1.00</td>" not in page
    assert "full color from 6 SD on" in page


def test_the_way_back_leads_from_the_space_between_to_each_visit(place):
    inner = place / "out" / "visit1-visit2" / "midpoint"
    between = read_image(inner / "change_map.nii.gz")
    native = read_image(place / "out" / "visit1-visit2" / "after" / "change_map.nii.gz")
    way = sitk.ReadTransform(str(inner / "after_native_from_midpoint.tfm"))
    back = sitk.GetArrayFromImage(sitk.Resample(native, between, way, sitk.sitkLinear))
    assert np.corrcoef(back.ravel(), sitk.GetArrayFromImage(between).ravel())[0, 1] > 0.95


def test_a_result_that_is_there_is_kept_unless_it_may_be_replaced(place, capsys):
    words = ["change", "--before", str(place / "v1"), "--after", str(place / "v2"), "--out", str(place / "out")]
    assert run_command(words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (place / "out" / "visit2-visit3").is_dir()


def test_a_job_that_is_stopped_leaves_nothing(place, tmp_path):
    spec = {"visits": [str(place / "v1"), str(place / "v2")], "out": str(tmp_path / "out")}
    events = []
    # Asked at every report: stopped while the visits are being compared.
    stop = lambda: any(event.get("stage") == "registration" for event in events)  # noqa: E731
    outcome = run(parse_job({"job": "1", "kind": "change", "spec": spec}), events.append, cancelled=stop)
    assert outcome.exit_code == 130
    assert list(tmp_path.iterdir()) == []


def test_regions_of_what_the_job_segments_are_kept_for_the_comparison(tmp_path, monkeypatch):
    seen = {}
    for number, spots in ((1, FIRST), (2, SECOND)):
        shown = seen[f"e{number}"] = visit(spots, seed=number)
        (tmp_path / f"e{number}").mkdir()
        write_image(shown.working.images[Modality.FLAIR], tmp_path / f"e{number}" / "FLAIR.nii.gz")

    def segmented(job, _emit, _cancelled):
        name = job.spec.exam.folder.name
        grid = seen[name].working.grid
        arrays = {r: np.full(grid.size[::-1], r is Region.INFRATENTORIAL, np.float32) for r in REGIONS}
        write_result_of(seen[name], job.spec.out, RegionMap({r: grid.image(arrays[r]) for r in REGIONS}, "made"))

    monkeypatch.setattr(segment, "run_segment", segmented)
    spec = {"visits": [str(tmp_path / "e1"), str(tmp_path / "e2")], "out": str(tmp_path / "out")}
    outcome = run(parse_job({"job": "1", "kind": "change", "spec": spec}), lambda event: None)
    assert outcome.error is None
    # Found anew there would be none: this is no whole brain.
    document = ChangeDocument.model_validate_json((tmp_path / "out" / "change.json").read_text())
    assert {group.region for group in document.pairs[0].groups} == {"infratentorial"}
    assert (tmp_path / "out" / "visits" / "1" / "region_probabilities.nii.gz").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--before is missing"),
        (["--before", "a"], "--after is missing"),
        (["--visit", "a"], "at least twice"),
        (["--visit", "a", "--before", "b"], "cannot be mixed"),
        (["--before", "a", "--after", "b", "--brain", "mask.nii.gz"], "belongs to one visit"),
        (["--before", "nowhere", "--after", "neither"], "does not exist"),
    ],
)
def test_a_request_that_does_not_hold_says_what_to_do(tmp_path, capsys, words, said):
    assert run_command(["change", *words, "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
