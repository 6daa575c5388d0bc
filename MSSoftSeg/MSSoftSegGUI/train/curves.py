"""Loss and agreement of a training in two plot views of Slicer, beside the slice views, for as long as they are wanted."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from MSSoftSegGUI.scene.layouts import AGREEMENT_VIEW, CURVES_LAYOUT, LOSS_VIEW, registerLayouts
from MSSoftSegGUI.scene.slice_views import turnToImages

STEP = "step"
# As a job calls it, and which color blind readers tell apart.
COLORS = {
    "loss": (0.0, 0.447, 0.698),
    "val_loss": (0.902, 0.624, 0.0),
    "val_dice": (0.835, 0.369, 0.0),
    "val_soft_dice": (0.0, 0.62, 0.451),
    "base_dice": (0.35, 0.35, 0.35),
}
CHARTS = {LOSS_VIEW: ("loss", "val_loss"), AGREEMENT_VIEW: ("val_dice", "val_soft_dice", "base_dice")}


class TrainingCurves:
    """The nodes and the layout. Nodes are made when there is something to show, and never saved with a patient's scene."""

    def __init__(self) -> None:
        self._tables: dict = {}
        self._charts: dict = {}
        self._shown: dict = {}
        self._before = None

    @property
    def isShown(self) -> bool:
        """Whether the layout is the one with the plots."""
        manager = slicer.app.layoutManager()
        return manager is not None and manager.layout == CURVES_LAYOUT

    def setShown(self, shown: bool) -> None:
        """Lay out the plots, or what was there before."""
        manager = slicer.app.layoutManager()
        if manager is None or shown == self.isShown:
            return
        if shown:
            registerLayouts()
            self._before = manager.layout
            manager.setLayout(CURVES_LAYOUT)
            turnToImages()
            self._showCharts()
        else:
            # A scene that was saved with the plots comes back with nothing to go back to.
            before, self._before = self._before, None
            manager.setLayout(before or slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    def show(self, curves) -> None:
        """Points by curve: (step, value) pairs under the names that a job gives its metrics."""
        if not any(curves.values()) and not self._tables:
            return
        self._makeNodes()
        for name, table in self._tables.items():
            points = curves.get(name, ())
            if points != self._shown.get(name):
                _fill(table, name, points)
                self._shown[name] = points
        if self.isShown:
            self._showCharts()

    def forget(self) -> None:
        """The scene was closed, or the panel goes: nothing is left of the plots."""
        for chart in self._charts.values():
            for node in (*_seriesOf(chart), chart):
                slicer.mrmlScene.RemoveNode(node)
        for table in self._tables.values():
            slicer.mrmlScene.RemoveNode(table)
        self._tables, self._charts, self._shown = {}, {}, {}

    def _makeNodes(self) -> None:
        nodes = (*self._tables.values(), *self._charts.values())
        if nodes and all(slicer.mrmlScene.IsNodePresent(node) for node in nodes):
            return
        self.forget()
        for tag, names in CHARTS.items():
            self._charts[tag] = chart = _newNode("vtkMRMLPlotChartNode", tag)
            chart.SetTitleVisibility(False)
            chart.SetXAxisTitle(_("step"))
            chart.SetYAxisTitle(_("loss") if tag == LOSS_VIEW else _("mean over cases"))
            chart.SetLegendVisibility(True)
            if tag == AGREEMENT_VIEW:
                chart.SetYAxisRangeAuto(False)
                chart.SetYAxisRange(0.0, 1.0)
            for name in names:
                self._tables[name] = table = _newNode("vtkMRMLTableNode", f"MSSoftSeg {name}")
                _fill(table, name, ())
                chart.AddAndObservePlotSeriesNodeID(_newSeries(name, table).GetID())

    def _showCharts(self) -> None:
        for tag, chart in self._charts.items():
            view = slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLPlotViewNode")
            if view is not None and view.GetPlotChartNodeID() != chart.GetID():
                # Else a chart that the user chooses elsewhere would come here too.
                view.SetDoPropagatePlotChartSelection(False)
                view.SetPlotChartNodeID(chart.GetID())


def _title(name: str) -> str:
    titles = {
        "loss": _("training loss"),
        "val_loss": _("validation loss"),
        # Whose: a training that holds nobody out is judged on digital patients alone.
        "val_dice": _("DSC, held-out cases"),
        "val_soft_dice": _("soft Dice, held-out cases"),
        "base_dice": _("DSC, digital patients"),
    }
    return titles[name]


def _newNode(className: str, name: str):
    node = slicer.mrmlScene.AddNewNodeByClass(className, name)
    node.SetSaveWithScene(False)
    return node


def _newSeries(name: str, table):
    series = _newNode("vtkMRMLPlotSeriesNode", _title(name))
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName(STEP)
    series.SetYColumnName(name)
    series.SetPlotType(series.PlotTypeScatter)
    series.SetLineStyle(series.LineStyleSolid)
    # Few points are seen as such; many are a line.
    series.SetMarkerStyle(series.MarkerStyleNone if name == "loss" else series.MarkerStyleCircle)
    series.SetColor(*COLORS[name])
    series.SetLineWidth(2.0)
    return series


def _fill(tableNode, name: str, points) -> None:
    """The curve's points as the table's two columns, in one change."""
    array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    table = vtk.vtkTable()
    for column, title in enumerate((STEP, name)):
        values = numpy_to_vtk(np.ascontiguousarray(array[:, column]), deep=True)
        values.SetName(title)
        table.AddColumn(values)
    tableNode.SetAndObserveTable(table)


def _seriesOf(chart) -> list:
    nodes = [chart.GetNthPlotSeriesNode(number) for number in range(chart.GetNumberOfPlotSeriesNodes())]
    return [node for node in nodes if node is not None]
