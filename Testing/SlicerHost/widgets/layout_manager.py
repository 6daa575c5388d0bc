"""The layout manager: real view nodes and slice logics by the real layout logic, laid out as the layout's XML says."""

from __future__ import annotations

import weakref
from xml.etree import ElementTree

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from .plots import qMRMLPlotWidget
from .views import qMRMLSliceWidget, qMRMLThreeDWidget


class qSlicerLayoutManager(QtCore.QObject):
    layoutChanged = QtCore.Signal(int)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._viewport = QtWidgets.QWidget()
        self._viewport.setObjectName("CentralWidgetLayoutFrame")
        QtWidgets.QVBoxLayout(self._viewport).setContentsMargins(0, 0, 0, 0)
        self._content = None
        self._slice_widgets: dict[str, qMRMLSliceWidget] = {}
        self._three_d_widgets: dict[str, qMRMLThreeDWidget] = {}
        self._plot_widgets: dict[str, qMRMLPlotWidget] = {}
        self._slice_logics, self._view_logics = vtk.vtkCollection(), vtk.vtkCollection()
        self._shown_layout = None

    def _start(self, scene, application_logic):
        self._scene, self._application_logic = scene, application_logic
        application_logic.SetSliceLogics(self._slice_logics)
        application_logic.SetViewLogics(self._view_logics)
        self._layout_logic = slicer.vtkMRMLLayoutLogic()
        me = weakref.ref(self)
        self._node_tag = scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, _added_to(me))
        self._layout_logic.SetMRMLScene(scene)
        self._layout_node = self._layout_logic.GetLayoutNode()
        self._layout_node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: me() and me()._follow_layout())
        self._make_missing_views()
        self._layout_node.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self._follow_layout()

    def _make_missing_views(self):
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode", self._scene):
            if node.GetLayoutName() and node.GetLayoutName() not in self._slice_widgets:
                self._make_slice_widget(node)
        for node in slicer.util.getNodesByClass("vtkMRMLViewNode", self._scene):
            if node.GetLayoutName() and node.GetLayoutName() not in self._three_d_widgets:
                widget = qMRMLThreeDWidget()
                widget.setMRMLViewNode(node)
                self._three_d_widgets[node.GetLayoutName()] = widget
        for node in slicer.util.getNodesByClass("vtkMRMLPlotViewNode", self._scene):
            if node.GetLayoutName() and node.GetLayoutName() not in self._plot_widgets:
                widget = qMRMLPlotWidget()
                widget.setMRMLPlotViewNode(node)
                self._plot_widgets[node.GetLayoutName()] = widget

    def _all_widgets(self):
        return (*self._slice_widgets.values(), *self._three_d_widgets.values(), *self._plot_widgets.values())

    def _make_slice_widget(self, node):
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self._application_logic)
        self._slice_logics.AddItem(logic)
        logic.SetMRMLScene(self._scene)
        logic.SetSliceNode(node)
        widget = qMRMLSliceWidget()
        widget._follow(logic)
        self._slice_widgets[node.GetLayoutName()] = widget

    def _follow_layout(self):
        arrangement = self._layout_node.GetViewArrangement()
        if arrangement == self._shown_layout:
            return
        self._shown_layout = arrangement
        self._make_missing_views()
        description = self._layout_node.GetCurrentLayoutDescription()
        if description:
            self._show(ElementTree.fromstring(description))
        self.layoutChanged.emit(arrangement)

    def _show(self, element):
        for widget in self._all_widgets():
            widget.setParent(None)
        old, self._content = self._content, self._build(element)
        if old is not None and old not in self._all_widgets():
            old.deleteLater()
        if self._content is not None:
            self._viewport.layout().addWidget(self._content)
            self._content.show()

    def _build(self, element):
        if element.tag == "view":
            name = element.get("singletontag")
            views = {"vtkMRMLSliceNode": self._slice_widgets, "vtkMRMLPlotViewNode": self._plot_widgets}
            return views.get(element.get("class"), self._three_d_widgets).get(name)
        parts = [self._build(child) for item in element.findall("item") for child in item]
        parts = [part for part in parts if part is not None]
        frame = QtWidgets.QTabWidget() if element.get("type") == "tab" else QtWidgets.QWidget()
        if isinstance(frame, QtWidgets.QTabWidget):
            for part in parts:
                frame.addTab(part, part.objectName())
            return frame
        down = element.get("type") == "vertical"
        box = (QtWidgets.QVBoxLayout if down else QtWidgets.QHBoxLayout)(frame)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for part in parts:
            box.addWidget(part, 1)
            part.show()
        return frame

    # What Slicer offers

    def _get_layout(self):
        return self._layout_node.GetViewArrangement()

    def setLayout(self, layout):
        self._layout_node.SetViewArrangement(int(layout))

    layout = QtCore.Property(int, _get_layout, setLayout)
    threeDViewCount = QtCore.Property(int, lambda self: len(self._three_d_widgets))
    tableViewCount = QtCore.Property(int, lambda self: 0)
    plotViewCount = QtCore.Property(int, lambda self: len(self._plot_widgets))

    def viewport(self):
        return self._viewport

    def mrmlScene(self):
        return self._scene

    def layoutLogic(self):
        return self._layout_logic

    def mrmlSliceLogics(self):
        return self._slice_logics

    def mrmlViewLogics(self):
        return self._view_logics

    def sliceViewNames(self):
        return list(self._slice_widgets)

    def sliceWidget(self, name):
        return self._slice_widgets.get(name)

    def threeDWidget(self, which):
        widgets = self._three_d_widgets
        if isinstance(which, str):
            return widgets.get(which)
        return list(widgets.values())[which] if 0 <= which < len(widgets) else None

    def plotWidget(self, number):
        widgets = list(self._plot_widgets.values())
        return widgets[number] if 0 <= number < len(widgets) else None

    def resetSliceViews(self):
        for widget in self._slice_widgets.values():
            widget.sliceLogic().FitSliceToAll()

    def resetThreeDViews(self):
        for widget in self._three_d_widgets.values():
            widget.threeDView().resetCamera()

    def pauseRender(self):
        """The host draws when Qt paints; there is nothing to hold back."""

    def resumeRender(self):
        """See pauseRender."""


def _added_to(me):
    @vtk.calldata_type(vtk.VTK_OBJECT)
    def added(_scene, _event, node):
        manager = me()
        if manager is not None and node.IsA("vtkMRMLAbstractViewNode") and not manager._scene.IsBatchProcessing():
            manager._make_missing_views()

    return added
