"""The table of a segmentation's segments."""

from __future__ import annotations

import weakref

import vtk
from PySide6 import QtCore, QtGui, QtWidgets

from .base import SceneWidget, stored


class qMRMLSegmentsTableView(SceneWidget):
    selectionChanged = QtCore.Signal(QtCore.QItemSelection, QtCore.QItemSelection)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node, self._tag = None, None
        self._table = QtWidgets.QTableWidget(0, 2, self)
        self._table.setHorizontalHeaderLabels(["", "Name"])
        self._table.horizontalHeader().setStretchLastSection(True)
        self._table.verticalHeader().hide()
        self._table.setColumnWidth(0, 28)
        self._table.setSelectionBehavior(QtWidgets.QTableWidget.SelectRows)
        self._table.setSelectionMode(QtWidgets.QTableWidget.SingleSelection)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        self._table.selectionModel().selectionChanged.connect(self.selectionChanged)

    readOnly = stored(bool, "readOnly", False)
    headerVisible = stored(bool, "headerVisible", True)
    opacityColumnVisible = stored(bool, "opacityColumnVisible", True)
    visibilityColumnVisible = stored(bool, "visibilityColumnVisible", True)
    colorColumnVisible = stored(bool, "colorColumnVisible", True)
    statusColumnVisible = stored(bool, "statusColumnVisible", False)
    segmentCount = QtCore.Property(int, lambda self: len(self._ids()))

    def tableWidget(self):
        return self._table

    def segmentationNode(self):
        return self._node

    def _ids(self):
        return list(self._node.GetSegmentation().GetSegmentIDs()) if self._node is not None else []

    def setSegmentationNode(self, node):
        if self._tag is not None:
            self._tag[0].RemoveObserver(self._tag[1])
            self._tag = None
        self._node = node
        if node is not None:
            me = weakref.ref(self)
            segmentation = node.GetSegmentation()
            self._tag = (
                segmentation,
                segmentation.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: me() and me()._fill()),
            )
        self._fill()

    def _fill(self):
        wanted = [(i, self._node.GetSegmentation().GetSegment(i).GetName()) for i in self._ids()]
        shown = [(self._table.item(row, 1).data(QtCore.Qt.UserRole), self._table.item(row, 1).text())
                 for row in range(self._table.rowCount())]  # fmt: skip
        if wanted == shown:
            return
        self._table.setRowCount(len(wanted))
        for row, (segment_id, name) in enumerate(wanted):
            swatch, title = QtWidgets.QTableWidgetItem(), QtWidgets.QTableWidgetItem(name)
            color = self._node.GetSegmentation().GetSegment(segment_id).GetColor()
            swatch.setBackground(QtGui.QColor.fromRgbF(*color))
            title.setData(QtCore.Qt.UserRole, segment_id)
            self._table.setItem(row, 0, swatch)
            self._table.setItem(row, 1, title)

    def selectedSegmentIDs(self):
        rows = sorted({index.row() for index in self._table.selectedIndexes()})
        return [self._table.item(row, 1).data(QtCore.Qt.UserRole) for row in rows]

    def setSelectedSegmentIDs(self, ids):
        for row in range(self._table.rowCount()):
            if self._table.item(row, 1).data(QtCore.Qt.UserRole) in ids:
                self._table.selectRow(row)

    def clearSelection(self):
        self._table.clearSelection()

    def rowForSegmentID(self, segment_id):
        return self._ids().index(segment_id) if segment_id in self._ids() else -1

    def segmentIDForRow(self, row):
        return self._ids()[row]
