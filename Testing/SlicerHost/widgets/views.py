"""Slice and 3D views: the real slice logic and displayable managers drawn offscreen, shown in a Qt widget."""

from __future__ import annotations

import weakref

import numpy as np
import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from vtk.util.numpy_support import vtk_to_numpy

from ..signals import guarded
from . import brush

SLICE_MANAGERS = (
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
)
THREE_D_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
)
BAR_PX = 20


def register_displayable_managers(application_logic) -> None:
    for factory_class, names in (
        (slicer.vtkMRMLSliceViewDisplayableManagerFactory, SLICE_MANAGERS),
        (slicer.vtkMRMLThreeDViewDisplayableManagerFactory, THREE_D_MANAGERS),
    ):
        factory = factory_class.GetInstance()
        factory.SetMRMLApplicationLogic(application_logic)
        for name in names:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)


class RenderedView(QtWidgets.QWidget):
    """A VTK render window without a window; its picture is painted into the widget."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._renderer = vtk.vtkRenderer()
        self._window.AddRenderer(self._renderer)
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        # Slicer's own style leaves clicks that nobody wants alone; VTK's would turn the camera.
        self._interactor.SetInteractorStyle(None)
        self._group, self._picture = None, None
        self.setMinimumSize(80, 80)

    def renderWindow(self):
        return self._window

    def interactor(self):
        return self._interactor

    def scheduleRender(self):
        self._picture = None
        self.update()

    def forceRender(self):
        self._picture = None
        if self.isVisible():
            self.repaint()

    def _prepare(self, width, height):
        """For subclasses: what must be up to date before a picture is taken."""

    def _pixels(self, width: int, height: int) -> np.ndarray:
        """The view as RGB, (height, width, 3), top row first."""
        self._window.SetSize(width, height)
        self._prepare(width, height)
        self._window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self._window)
        grabber.ReadFrontBufferOff()
        # It is drawn already.
        grabber.ShouldRerenderOff()
        grabber.Update()
        image = grabber.GetOutput()
        across, down, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(down, across, 3)[::-1].copy()

    def paintEvent(self, event):
        painter = QtGui.QPainter(self)
        if self._picture is None or self._picture.size() != self.size():
            pixels = self._pixels(self.width(), self.height())
            height, width = pixels.shape[:2]
            picture = QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format_RGB888)
            self._picture = picture.copy()
        painter.drawImage(0, 0, self._picture)

    def _show_with(self, factory, node):
        if self._group is None:
            self._group = factory.InstantiateDisplayableManagers(self._renderer)
            me = weakref.ref(self)
            self._group.AddObserver(vtk.vtkCommand.UpdateEvent, lambda *_: me() and me().scheduleRender())
        self._group.SetMRMLDisplayableNode(node)

    def displayableManagerByClassName(self, name):
        return self._group.GetDisplayableManagerByClassName(name) if self._group else None

    def getDisplayableManagers(self, collection):
        for index in range(self._group.GetDisplayableManagerCount() if self._group else 0):
            collection.AddItem(self._group.GetNthDisplayableManager(index))


class qMRMLSliceView(RenderedView):
    def __init__(self, parent=None):
        super().__init__(parent)
        self._node, self._logic = None, None
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(self._mapper)
        # Added before any displayable manager's, so that these are drawn over it.
        self._actor.VisibilityOff()
        self._renderer.AddViewProp(self._actor)

    def _follow(self, logic):
        self._logic, self._node = logic, logic.GetSliceNode()
        me = weakref.ref(self)
        logic.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: me() and me().scheduleRender())
        self._show_with(slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(), self._node)

    def mrmlSliceNode(self):
        return self._node

    def resizeEvent(self, event):
        super().resizeEvent(event)
        if self._logic is not None:
            self._logic.ResizeSliceNode(self.width(), self.height())

    def _prepare(self, width, height):
        if tuple(self._node.GetDimensions()[:2]) != (width, height):
            self._logic.ResizeSliceNode(width, height)
        connection = self._logic.GetImageDataConnection()
        self._actor.SetVisibility(connection is not None)
        if connection is not None:
            self._mapper.SetInputConnection(connection)

    def wheelEvent(self, event):
        step = self._logic.GetLowestVolumeSliceSpacing()[2] * (1 if event.angleDelta().y() > 0 else -1)
        self._logic.StartSliceOffsetInteraction()
        self._logic.SetSliceOffset(self._logic.GetSliceOffset() + step)
        self._logic.EndSliceOffsetInteraction()

    def mousePressEvent(self, event):
        if event.button() != QtCore.Qt.LeftButton:
            return
        position = event.position()
        ras = self.convertXYZToRAS(self.convertDeviceToXYZ([position.x(), position.y()]))
        to_ras = self._node.GetSliceToRAS()
        normal = [to_ras.GetElement(row, 2) for row in range(3)]
        for editor in list(brush.LISTENING):
            guarded(editor._pressed, ras, normal, self._node.GetFieldOfView()[1])
        self._tell(event, vtk.vtkCommand.LeftButtonPressEvent)

    def mouseReleaseEvent(self, event):
        if event.button() == QtCore.Qt.LeftButton:
            self._tell(event, vtk.vtkCommand.LeftButtonReleaseEvent)

    def _tell(self, event, vtk_event):
        """What observers of the view's interactor hear."""
        x, y, _z = self.convertDeviceToXYZ([event.position().x(), event.position().y()])
        shift = bool(event.modifiers() & QtCore.Qt.ShiftModifier)
        self._interactor.SetEventInformation(round(x), round(y), 0, int(shift))
        self._interactor.InvokeEvent(vtk_event)

    def convertRASToXYZ(self, ras):
        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self._node.GetXYToRAS(), inverse)
        return list(inverse.MultiplyPoint([*ras, 1.0])[:3])

    def convertXYZToRAS(self, xyz):
        return list(self._node.GetXYToRAS().MultiplyPoint([*xyz, 1.0])[:3])

    def convertDeviceToXYZ(self, position):
        return [float(position[0]), float(self.height() - 1 - position[1]), 0.0]


class qMRMLThreeDView(RenderedView):
    def __init__(self, parent=None):
        super().__init__(parent)
        self._node = None
        self._renderer.GradientBackgroundOn()

    def setMRMLViewNode(self, node):
        self._node = node
        self._show_with(slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(), node)

    def mrmlViewNode(self):
        return self._node

    def resetFocalPoint(self):
        bounds = self._renderer.ComputeVisiblePropBounds()
        center = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
        self._renderer.GetActiveCamera().SetFocalPoint(center)
        self.scheduleRender()

    def resetCamera(self, resetRotation=True, resetTranslation=True, resetDistance=True):
        self._renderer.ResetCamera()
        self.scheduleRender()


class ViewFrame(QtWidgets.QWidget):
    """A view below its colored bar with the name."""

    def __init__(self, view, parent=None):
        super().__init__(parent)
        self._view = view
        self._bar = QtWidgets.QLabel(self)
        self._bar.setFixedHeight(BAR_PX)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(view, 1)

    def _paint_bar(self, text, color):
        red, green, blue = (round(255 * part) for part in color)
        ink = "black" if red + green + blue > 380 else "white"
        self._bar.setStyleSheet(f"background: rgb({red},{green},{blue}); color: {ink}; padding-left: 4px")
        self._bar.setText(text)


class qMRMLSliceWidget(ViewFrame):
    def __init__(self, parent=None):
        super().__init__(qMRMLSliceView(), parent)
        self._logic = None

    def _follow(self, logic):
        self._logic = logic
        self._view._follow(logic)
        me = weakref.ref(self)
        logic.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: me() and me()._label())
        self._label()

    def _label(self):
        node = self._logic.GetSliceNode()
        label = node.GetLayoutLabel() or node.GetLayoutName()
        self._paint_bar(f"{label}   {self._logic.GetSliceOffset():.1f} mm", node.GetLayoutColor())

    def sliceLogic(self):
        return self._logic

    def sliceView(self):
        return self._view

    def viewWidget(self):
        return self._view

    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def setSliceOrientation(self, orientation):
        self.mrmlSliceNode().SetOrientation(orientation)

    def fitSliceToBackground(self):
        self._logic.FitSliceToBackground()


class qMRMLThreeDWidget(ViewFrame):
    def __init__(self, parent=None):
        super().__init__(qMRMLThreeDView(), parent)

    def setMRMLViewNode(self, node):
        self._view.setMRMLViewNode(node)
        self._paint_bar(node.GetLayoutLabel() or node.GetLayoutName(), node.GetLayoutColor())

    def mrmlViewNode(self):
        return self._view.mrmlViewNode()

    def threeDView(self):
        return self._view

    def viewWidget(self):
        return self._view
