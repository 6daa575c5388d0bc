"""The lesion table's columns: sorted by a click, hidden for good, with places only where a run found them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from MSSoftSegGUI.review.columns import list_columns, sort_rows

from MSSoftSegLib.report.lesion_table import read_lesions_csv, write_lesions_csv
from Testing.MSSoftSeg.review.test_review import RAS_FROM_IJK, Stage
from Testing.MSSoftSeg.stand_ins.made_results import flair_node


def test_a_head_sorts_turns_round_and_gives_the_least_certain_first_again():
    stage = Stage()
    first = [row.number for row in stage.view.rows]
    volumes = sorted(row.volume_mm3 for row in stage.view.rows)
    stage.review.sort("volume")
    assert [row.volume_mm3 for row in stage.view.rows] == volumes
    stage.review.next()
    assert stage.view.selected == stage.view.rows[0].number, "Next goes on in the order that is seen"
    stage.review.sort("volume")
    assert [row.volume_mm3 for row in stage.view.rows] == volumes[::-1]
    stage.review.release_threshold(0.65)
    assert stage.view.order == ("volume", True), "the slider keeps the order"
    stage.review.release_threshold(0.5)
    stage.review.sort("volume")
    assert [row.number for row in stage.view.rows] == first


@pytest.mark.parametrize("key", [column.key for column in list_columns()])
@pytest.mark.parametrize("descending", [False, True])
def test_every_column_can_be_sorted_and_what_is_not_known_comes_last(key, descending):
    (column,) = (each for each in list_columns() if each.key == key)
    stage = Stage(threshold=0.05)
    rows = sort_rows(stage.view.rows, key, descending=descending)
    assert sorted(row.number for row in rows) == sorted(row.number for row in stage.view.rows)
    values = [column.value(row) for row in rows]
    known = [value for value in values if value not in (None, "")]
    assert values[: len(known)] == known
    assert known == sorted(known, reverse=descending)


def test_the_longest_axis_is_measured_in_the_plane_on_an_oblique_grid_and_waits_for_the_slider():
    stage = Stage()
    spacing = np.linalg.norm(RAS_FROM_IJK[:3, :3], axis=0)
    # Lesion 3 is two voxels along i; its length runs from border to border.
    small = stage.view.row_of(3)
    assert small.longest_axis_mm == pytest.approx(spacing[0] + spacing.min())
    stage.review.set_threshold(0.55)
    assert {row.longest_axis_mm for row in stage.view.rows} == {None}


def add_places(folder) -> None:
    """What a run that knows regions writes into its table."""
    table = folder / "lesions.csv"
    regions = ("periventricular", "juxtacortical")
    placed = [
        dataclasses.replace(lesion, region=region, region_probability=0.9, ventricle_distance_mm=1.25)
        for lesion, region in zip(read_lesions_csv(table), regions, strict=True)
    ]
    write_lesions_csv(table, placed)


def shown(reader) -> list[str]:
    table = reader.ui("lesionTable")
    heads = (table.horizontalHeaderItem(n).text().split("\n")[0] for n in range(table.columnCount))
    return [head for number, head in enumerate(heads) if not table.isColumnHidden(number)]


def test_places_are_shown_where_the_run_found_them_and_columns_stay_hidden(reader):
    import slicer
    from MSSoftSegGUI.review.panel import HIDDEN_SETTING

    reader.segment_made(flair_node())
    assert "Place" not in shown(reader)
    assert "\n" not in reader.ui("summaryLabel").text
    reader.start_run(flair_node("second", (-25.0, -15.0, -10.0)), "Bert")
    reader.worker.finish(spoil=add_places)
    reader.wait(lambda: reader.review.exam is not None)
    assert [head for head in shown(reader) if head in ("Place", "Ventricle", "Cortex")] == ["Place"]
    assert {row.place.region for row in reader.view.rows} == {"periventricular", "juxtacortical"}
    headline, places = reader.ui("summaryLabel").text.split("\n")
    assert places == "juxtacortical\N{NO-BREAK SPACE}1\N{NO-BREAK SPACE}· periventricular\N{NO-BREAK SPACE}1"
    assert headline.endswith("· 0\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}2\N{NO-BREAK SPACE}reviewed")
    reader.review.presenter.select(1)
    gone = reader.view.row_of(1).place.region
    reader.click("rejectButton")
    assert gone not in reader.ui("summaryLabel").text
    try:
        reader.review.panel.setColumnShown("entropy", True)
        reader.review.panel.setColumnShown("ventricle", True)
        assert "Entropy" in shown(reader)
        assert [head for head in shown(reader) if head in ("Place", "Ventricle", "Cortex")] == ["Place", "Ventricle"]
        assert slicer.app.settings().value(HIDDEN_SETTING) == "cortex"
        reader.review.panel.setColumnShown("volume", False)
        assert "Volume" not in shown(reader)
        assert slicer.app.settings().value(HIDDEN_SETTING) == "cortex,volume"
    finally:
        slicer.app.settings().remove(HIDDEN_SETTING)
