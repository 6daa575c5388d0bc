"""A plot view shows the chart of its view node, and follows chart, series and table."""

from __future__ import annotations

import numpy as np
import pytest
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from Testing.SlicerHost.widgets.plots import qMRMLPlotWidget

SIZE = (300, 220)
TAG = "TestPlot"
RED = (1.0, 0.0, 0.0)


def table_of(points):
    table = vtk.vtkTable()
    for column, name in enumerate(("step", "loss")):
        values = numpy_to_vtk(np.array([point[column] for point in points], dtype=np.float64), deep=True)
        values.SetName(name)
        table.AddColumn(values)
    return table


@pytest.fixture
def shown(slicer):
    """A view node with a chart of one red series of a table with two points."""
    scene = slicer.mrmlScene
    table = scene.AddNewNodeByClass("vtkMRMLTableNode")
    table.SetAndObserveTable(table_of([(0, 0.0), (10, 1.0)]))
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "loss")
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("step")
    series.SetYColumnName("loss")
    series.SetPlotType(series.PlotTypeScatter)
    series.SetColor(*RED)
    series.SetLineWidth(3)
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", "chart")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetLegendVisibility(False)
    view = scene.AddNode(slicer.vtkMRMLPlotViewNode())
    view.SetLayoutName(TAG)
    view.SetPlotChartNodeID(chart.GetID())
    widget = qMRMLPlotWidget()
    widget.setMRMLPlotViewNode(view)
    yield widget.plotView(), table, series, chart
    widget.setParent(None)


def red_pixels(view) -> np.ndarray:
    pixels = view._pixels(*SIZE).astype(int)
    return (pixels[..., 0] - pixels[..., 1] > 100) & (pixels[..., 0] - pixels[..., 2] > 100)


def test_a_rising_series_rises_on_the_screen(shown):
    rows, columns = np.nonzero(red_pixels(shown[0]))
    assert len(rows) > 50
    assert np.corrcoef(rows, columns)[0, 1] < -0.9


def test_new_points_in_the_table_turn_the_line(shown):
    view, table, _, _ = shown
    red_pixels(view)
    table.SetAndObserveTable(table_of([(0, 1.0), (10, 0.0)]))
    rows, columns = np.nonzero(red_pixels(view))
    assert np.corrcoef(rows, columns)[0, 1] > 0.9


def test_a_series_that_leaves_the_chart_is_not_drawn_any_more(shown):
    view, _, series, chart = shown
    assert red_pixels(view).any()
    chart.RemovePlotSeriesNodeID(series.GetID())
    assert not red_pixels(view).any()


def test_a_column_that_is_not_there_draws_nothing(shown):
    view, _, series, _ = shown
    series.SetYColumnName("dice")
    assert not red_pixels(view).any()


def test_a_layout_with_plot_views_shows_them_in_their_places(slicer):
    manager = slicer.app.layoutManager()
    before = manager.layout
    node = manager.layoutLogic().GetLayoutNode()
    view = '<item><view class="{}" singletontag="{}"/></item>'
    inner = view.format("vtkMRMLSliceNode", "Red") + view.format("vtkMRMLPlotViewNode", "Curve")
    node.AddLayoutDescription(3999, f'<layout type="horizontal">{inner}</layout>')
    manager.setLayout(3999)
    names = [manager.plotWidget(number).mrmlPlotViewNode().GetLayoutName() for number in range(manager.plotViewCount)]
    assert "Curve" in names
    shown = manager.plotWidget(names.index("Curve"))
    assert shown.parent() is not None
    manager.setLayout(before)
    assert shown.parent() is None
