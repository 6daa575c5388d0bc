"""Plot views: the chart that a plot view node shows, drawn offscreen by VTK from the chart's, series' and table nodes."""

from __future__ import annotations

import weakref

import numpy as np
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from vtk.util.numpy_support import vtk_to_numpy

from .views import BAR_PX

MARKERS = {
    "MarkerStyleNone": vtk.vtkPlotPoints.NONE,
    "MarkerStyleCross": vtk.vtkPlotPoints.CROSS,
    "MarkerStylePlus": vtk.vtkPlotPoints.PLUS,
    "MarkerStyleSquare": vtk.vtkPlotPoints.SQUARE,
    "MarkerStyleCircle": vtk.vtkPlotPoints.CIRCLE,
    "MarkerStyleDiamond": vtk.vtkPlotPoints.DIAMOND,
}
LINES = {
    "LineStyleNone": vtk.vtkPen.NO_PEN,
    "LineStyleSolid": vtk.vtkPen.SOLID_LINE,
    "LineStyleDash": vtk.vtkPen.DASH_LINE,
    "LineStyleDot": vtk.vtkPen.DOT_LINE,
    "LineStyleDashDot": vtk.vtkPen.DASH_DOT_LINE,
    "LineStyleDashDotDot": vtk.vtkPen.DASH_DOT_DOT_LINE,
}


def _pen_of(table: dict, prefix_owner, value: int) -> int:
    return next(pen for name, pen in table.items() if getattr(prefix_owner, name) == value)


class qMRMLPlotView(QtWidgets.QWidget):
    """Follows its view node's chart and whatever the chart is made of."""

    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node, self._scene, self._picture = None, None, None
        self._observed: list[tuple[object, int]] = []
        self._context = vtk.vtkContextView()
        self._context.GetRenderWindow().SetOffScreenRendering(1)
        self._context.GetRenderWindow().SetMultiSamples(0)
        self._chart = vtk.vtkChartXY()
        self._context.GetScene().AddItem(self._chart)
        self.setMinimumSize(80, 80)

    def setMRMLScene(self, scene):
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def setMRMLPlotViewNode(self, node):
        self._node = node
        self._follow()

    def renderWindow(self):
        return self._context.GetRenderWindow()

    def chart(self):
        return self._chart

    def fitToContent(self):
        self._chart.RecalculateBounds()
        self._redraw()

    def _chart_node(self):
        return self._node.GetPlotChartNode() if self._node is not None else None

    def _series(self):
        chart = self._chart_node()
        count = chart.GetNumberOfPlotSeriesNodes() if chart is not None else 0
        return [node for node in (chart.GetNthPlotSeriesNode(n) for n in range(count)) if node is not None]

    def _follow(self):
        """Observe the view, its chart, the series and their tables anew."""
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        series = self._series()
        followed = [self._node, self._chart_node(), *series, *(each.GetTableNode() for each in series)]
        me = weakref.ref(self)

        def changed(*_):
            if me() is not None:
                me()._follow()

        self._observed = [
            (node, node.AddObserver(vtk.vtkCommand.ModifiedEvent, changed)) for node in followed if node is not None
        ]
        self._redraw()

    def _redraw(self):
        self._picture = None
        self.update()

    def _prepare(self):
        chart, node = self._chart, self._chart_node()
        chart.ClearPlots()
        if node is None:
            chart.SetTitle("")
            return
        chart.SetTitle((node.GetTitleVisibility() and node.GetTitle()) or "")
        chart.SetShowLegend(node.GetLegendVisibility())
        bottom, left = chart.GetAxis(vtk.vtkAxis.BOTTOM), chart.GetAxis(vtk.vtkAxis.LEFT)
        bottom.SetTitle((node.GetXAxisTitleVisibility() and node.GetXAxisTitle()) or "")
        left.SetTitle((node.GetYAxisTitleVisibility() and node.GetYAxisTitle()) or "")
        for axis, automatic, limits in (
            (bottom, node.GetXAxisRangeAuto(), node.GetXAxisRange()),
            (left, node.GetYAxisRangeAuto(), node.GetYAxisRange()),
        ):
            axis.SetBehavior(vtk.vtkAxis.AUTO if automatic else vtk.vtkAxis.FIXED)
            if not automatic:
                axis.SetRange(*limits)
            axis.SetGridVisible(node.GetGridVisibility())
        for series in self._series():
            self._draw(series)
        chart.RecalculateBounds()

    def _draw(self, series):
        table = series.GetTableNode().GetTable() if series.GetTableNode() is not None else None
        columns = (series.GetXColumnName(), series.GetYColumnName())
        # Slicer leaves out, with a warning, what names a column that is not there.
        if table is None or any(not name or table.GetColumnByName(name) is None for name in columns):
            return
        scatter = series.GetPlotType() == series.PlotTypeScatter
        if not scatter or not table.GetNumberOfRows():
            return
        plot = vtk.vtkPlotLine()
        plot.SetInputData(table, *columns)
        plot.SetLabel(series.GetName())
        color = series.GetColor()
        plot.SetColorF(*color)
        plot.GetPen().SetWidth(series.GetLineWidth())
        plot.GetPen().SetLineType(_pen_of(LINES, series, series.GetLineStyle()))
        plot.SetMarkerStyle(_pen_of(MARKERS, series, series.GetMarkerStyle()))
        plot.SetMarkerSize(series.GetMarkerSize())
        self._chart.AddPlot(plot)

    def _pixels(self, width: int, height: int) -> np.ndarray:
        """The view as RGB, (height, width, 3), top row first."""
        window = self._context.GetRenderWindow()
        window.SetSize(width, height)
        self._prepare()
        window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(window)
        grabber.ReadFrontBufferOff()
        grabber.Update()
        across, down, _ = grabber.GetOutput().GetDimensions()
        scalars = vtk_to_numpy(grabber.GetOutput().GetPointData().GetScalars())
        return scalars.reshape(down, across, 3)[::-1].copy()

    def paintEvent(self, event):
        if self._picture is None or self._picture.size() != self.size():
            pixels = self._pixels(self.width(), self.height())
            height, width = pixels.shape[:2]
            self._picture = QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format_RGB888).copy()
        QtGui.QPainter(self).drawImage(0, 0, self._picture)


class qMRMLPlotWidget(QtWidgets.QWidget):
    """A plot view below its bar, on which the chart's name stands."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._view, self._node = qMRMLPlotView(), None
        self._bar = QtWidgets.QLabel(self)
        self._bar.setFixedHeight(BAR_PX)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self._view, 1)

    def setMRMLPlotViewNode(self, node):
        self._node = node
        self._view.setMRMLPlotViewNode(node)
        red, green, blue = (round(255 * part) for part in node.GetLayoutColor())
        ink = "black" if red + green + blue > 380 else "white"
        self._bar.setStyleSheet(f"background: rgb({red},{green},{blue}); color: {ink}; padding-left: 4px")
        self._bar.setText(node.GetLayoutLabel() or node.GetLayoutName())

    def setMRMLAbstractViewNode(self, node):
        self.setMRMLPlotViewNode(node)

    def mrmlPlotViewNode(self):
        return self._node

    def mrmlAbstractViewNode(self):
        return self._node

    def plotView(self):
        return self._view

    def viewWidget(self):
        return self._view
