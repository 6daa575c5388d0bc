"""Tables on a screen of 1366 by 768: the last column is in sight, and nothing is scrolled sideways."""

from __future__ import annotations

import dataclasses

import pytest
from MSSoftSegGUI.library.worklist import WorklistView
from MSSoftSegGUI.library.worklist_rows import WorklistRow
from MSSoftSegGUI.review.columns import list_columns

from MSSoftSegLib.report.lesion_table import read_lesions_csv, write_lesions_csv
from Testing.MSSoftSeg.review.test_columns import shown
from Testing.MSSoftSeg.review.test_table_in_sight import CENTERS
from Testing.MSSoftSeg.stand_ins.made_results import flair_node
from Testing.MSSoftSeg.widgets.test_room import SECTIONS
from Testing.SlicerHost.pythonqt import unwrap


@pytest.fixture
def small_screen(reader):
    """A window of 1366 by 768, seen."""
    import slicer

    window = unwrap(slicer.util.mainWindow())
    before = window.size()
    reader.host.show(1366, 768)
    yield reader
    reader.host.hide()
    window.resize(before)


def open_only(reader, section):
    for each in SECTIONS:
        reader.ui(f"{each}Section").collapsed = each != section
    reader.host.process_events()


def add_long_places(folder) -> None:
    """Every lesion in the place with the longest name."""
    table = folder / "lesions.csv"
    where = {"region": "periventricular", "region_probability": 0.9, "ventricle_distance_mm": 1.3}
    placed = [dataclasses.replace(lesion, cortex_distance_mm=12.5, **where) for lesion in read_lesions_csv(table)]
    write_lesions_csv(table, placed)


def test_every_decision_is_in_sight_however_the_lesions_are_sorted(small_screen):
    reader = small_screen
    open_only(reader, "review")
    reader.start_run(flair_node())
    reader.worker.finish(centers=CENTERS, lsu=(0.1,) * len(CENTERS), spoil=add_long_places)
    reader.wait(lambda: reader.review.exam is not None)
    reader.review.presenter.accept_all(probability=0.0)
    table, keys = reader.ui("lesionTable"), [column.key for column in list_columns()]
    for key in ("", *keys):
        if key:
            reader.review.presenter.sort(key)
        reader.host.process_events()
        assert table.verticalScrollBar().maximum > 0
        assert table.horizontalScrollBar().maximum == 0
        assert shown(reader) == ["No.", "Volume", "Axis", "Prob.", "Disagr.", "Place", "Decision"]
    assert table.horizontalHeaderItem(len(keys) - 1).text() == "Decision\n ▴"
    place = keys.index("region")
    wide = table.columnWidth(place)
    # As a lesion of many digits does.
    table.setColumnWidth(1, table.columnWidth(1) + 30)
    reader.host.process_events()
    assert table.horizontalScrollBar().maximum == 0
    assert 56 <= table.columnWidth(place) < wide
    assert table.item(0, place).toolTip() == "periventricular: 1.3 mm from a ventricle, 12.5 mm from the cortex"


def test_the_worklist_shows_when_a_case_was_changed_whatever_it_and_its_raters_are_called(small_screen):
    from MSSoftSegGUI.library.worklist_panel import CHANGED_PX

    reader = small_screen
    reader.ui("worklistGroup").collapsed = False
    open_only(reader, "library")
    panel, table = reader.workbench.curation.worklistPanel, reader.ui("worklistTable")
    facts = {"psu": 0.66, "worst": 0.53, "volume_ml": 111.61, "changed": "2026-11-30T10:00:00"}
    rows = [WorklistRow(f"sub-P{n:02}_ses-01", "unlabelled", raters=("anna",), **facts) for n in range(40)]
    raters = ("anna", "bob", "charlotte")
    rows.append(
        WorklistRow("sub-P17_ses-20260101", "approved", raters=raters, has_soft_label=True, notes="seen twice", **facts)
    )
    panel.show(WorklistView(rows=tuple(rows)))
    reader.host.process_events()
    assert table.verticalScrollBar().maximum > 0
    assert table.horizontalScrollBar().maximum == 0
    assert table.item(40, 6).text() == "2026-11-30"
    assert table.columnWidth(6) >= CHANGED_PX
    assert min(table.columnWidth(n) for n in range(6)) >= 30
    assert table.item(40, 5).toolTip() == "anna, bob, charlotte + soft\nseen twice"
    assert table.item(40, 0).toolTip() == "P17/20260101\nseen twice"
