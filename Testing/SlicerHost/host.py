"""Starting the host, and what a test or a developer does with it."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

_host: Host | None = None
logger = logging.getLogger(__name__)
# The offscreen platform says this whenever a shown window is laid out anew.
_QT_CHATTER = ("propagateSizeHints",)


def start() -> Host:
    """The one host of this process, started on the first call."""
    global _host
    if _host is None:
        _host = Host()
    return _host


def _log_qt_message(kind, _context, text):
    if not any(known in text for known in _QT_CHATTER):
        logger.warning("Qt: %s", text)


class Host:
    """The application without the application: a scene, views, a main window, and the modules loaded into it."""

    def __init__(self):
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        import slicer
        import vtk
        from PySide6.QtCore import qInstallMessageHandler

        from . import scene, slicer_modules
        from .pythonqt import wrap
        from .widgets import application, input_output, layout_manager, main_window, modules, views

        vtk.vtkObject.GlobalWarningDisplayOff()
        qInstallMessageHandler(_log_qt_message)
        self._folder = tempfile.TemporaryDirectory(prefix="SlicerHost-")
        self._slicer = slicer
        slicer_modules.install_qt_modules()
        app = self._app = application.qSlicerApplication(self._folder.name)
        slicer.app = wrap(app)
        slicer.mrmlScene = app._scene = slicer.vtkMRMLScene()
        app._application_logic = scene.make_application_logic(slicer.mrmlScene, app.slicerHome, app.temporaryPath)
        self._remote_io = scene.make_remote_io(slicer.mrmlScene, os.path.join(app.cachePath, "RemoteIO"))
        app._module_manager = modules.qSlicerModuleManager()
        app._io_manager = input_output.qSlicerIOManager()
        self._logics = scene.make_logics(slicer.mrmlScene, app._application_logic)
        for name, logic in self._logics.items():
            app._module_manager._add(modules.qSlicerLoadableModule(name, logic=logic))
        views.register_displayable_managers(app._application_logic)
        app._layout_manager = layout_manager.qSlicerLayoutManager()
        app._layout_manager._start(slicer.mrmlScene, app._application_logic)
        self.python_modules = slicer_modules.install_python_modules()
        self._window = main_window.qSlicerMainWindow(app)
        self._window._show_views()

    @property
    def slot_errors(self) -> list[BaseException]:
        """What slots raised since the last `forget_slot_errors`."""
        from .signals import SLOT_ERRORS

        return SLOT_ERRORS

    def forget_slot_errors(self) -> None:
        self.slot_errors.clear()

    def load_module(self, path: Path, *, panel: bool = True):
        """Load a scripted module as Slicer does at startup; gives its panel's Python class, entered, if one is wanted."""
        module = self._app._module_manager._load_scripted(path)
        self._app.startupCompleted.emit()
        if not panel:
            return None
        self._window.moduleSelector().selectModule(module._name)
        return module._panel.self()

    def unload_module(self, name: str) -> None:
        self._window._scroll.takeWidget()
        self._window._panel = None
        self._app._module_manager._unload(name)
        self.process_events()

    def close_scene(self) -> None:
        """File / Close Scene."""
        self._slicer.mrmlScene.Clear(False)
        self.process_events()

    def process_events(self, rounds: int = 3) -> None:
        for _ in range(rounds):
            self._app.processEvents()
            self._app.sendPostedEvents(None, 52)  # DeferredDelete

    def set_testing(self, testing: bool) -> None:
        """Whether message boxes answer themselves, as with Slicer's --testing."""
        self._app._testing = testing

    def show(self, width: int = 1600, height: int = 1000) -> None:
        """Show the window."""
        self._window.resize(width, height)
        self._window.show()

    def hide(self) -> None:
        """Hide the window; views that nobody sees are not drawn."""
        self._window.hide()

    def run(self) -> int:
        """The event loop, until the window is closed."""
        logging.basicConfig(level=logging.INFO)
        return self._app.exec()
