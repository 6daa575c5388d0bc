"""The table while a slider is held: rows in sight follow it, those out of sight when they are scrolled to or it is let go."""

from __future__ import annotations

import itertools

import numpy as np

from Testing.MSSoftSeg.stand_ins.made_results import flair_node

# 48 cubes apart from each other: many more than a table shows at once.
CENTERS = tuple(itertools.product((3, 9, 15), (3, 9, 15, 21), (3, 9, 15, 21)))


def add_small_ones(folder):
    """A corner of each lesion but the first is less probable, so that a threshold changes every row's volume."""
    from MSSoftSegGUI.scene.volume_files import read_volume, write_volume

    probability, matrix = read_volume(folder / "lesion_probability.nii.gz")
    for k, j, i in CENTERS[1:]:
        probability[k - 1, j - 1, i - 1] = 0.7
    write_volume(probability, matrix, folder / "lesion_probability.nii.gz")


def cells(table, row):
    return [table.item(row, column).text() for column in range(table.columnCount)]


def wanted(reader, row):
    return [column.text(reader.view.rows[row]) for column in reader.review.panel._columns]


def test_rows_follow_a_held_slider_where_they_are_seen_and_all_of_them_once_it_is_let_go(reader):
    reader.start_run(flair_node())
    reader.worker.finish(centers=CENTERS, lsu=(0.1,) * len(CENTERS), spoil=add_small_ones)
    reader.wait(lambda: reader.review.exam is not None)
    table, presenter = reader.ui("lesionTable"), reader.review.presenter
    assert table.rowCount == len(CENTERS)
    table.scrollToTop()
    presenter.set_threshold(0.75)
    last = table.rowCount - 1
    seen = table.rowAt(table.viewport().height - 1)
    assert 0 < seen < last
    assert reader.view.rows[0].volume_mm3 == 52.0
    for row in range(table.rowAt(0), seen + 1):
        assert cells(table, row) == wanted(reader, row)
    # Lays the rows out first, which a scroll bar that is set does not.
    table.scrollToBottom()
    assert cells(table, last) == wanted(reader, last)
    presenter.set_threshold(0.65)
    assert cells(table, last) == wanted(reader, last)
    presenter.release_threshold(0.75)
    for row in range(table.rowCount):
        assert cells(table, row) == wanted(reader, row)


def test_a_slider_that_comes_back_to_where_it_was_taken_up_leaves_no_row_behind(reader):
    reader.start_run(flair_node())
    reader.worker.finish(centers=CENTERS, lsu=(0.1,) * len(CENTERS), spoil=add_small_ones)
    reader.wait(lambda: reader.review.exam is not None)
    table, presenter = reader.ui("lesionTable"), reader.review.presenter
    began = reader.view.threshold
    presenter.set_threshold(0.75)
    # Let go there: the slider tells of no change then.
    presenter.set_threshold(began)
    assert reader.view.rows_final
    for row in range(table.rowCount):
        assert cells(table, row) == wanted(reader, row)


def test_a_segment_that_a_threshold_does_not_change_is_not_told_of_it(reader):
    exam = reader.segment_made(flair_node())
    segmentation = exam.segmentation.GetSegmentation()
    lesion, possible = (segmentation.GetNthSegment(n) for n in (0, 1))
    before = lesion.GetMTime(), possible.GetMTime()
    reader.review.presenter.set_threshold(0.7)
    assert lesion.GetMTime() > before[0]
    assert possible.GetMTime() == before[1]
    assert np.array_equal(reader.masks()[0], reader.review.presenter.labels == 1)
