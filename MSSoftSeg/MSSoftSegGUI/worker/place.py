"""Where the worker lives: the Python that the user chose, and the folder for what passes between panel and worker."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import slicer

from MSSoftSegGUI.worker.client import WorkerClient
from MSSoftSegGUI.worker.interpreter import Interpreter, find_library_folder, make_module_command
from MSSoftSegGUI.worker.qt_process import QtProcess, callLater

PYTHON_SETTING = "MSSoftSeg/Python"


def makeCommand(module: str, arguments: tuple[str, ...] = ()):
    """The command that runs a module of the library in the interpreter that the user chose."""
    chosen = slicer.util.settingsValue(PYTHON_SETTING, "")
    own = shutil.which("PythonSlicer") or sys.executable
    return make_module_command(
        Interpreter(chosen or own, own=not chosen),
        module,
        arguments,
        library_folder=find_library_folder(),
        slicer_environment=dict(os.environ),
        startup_environment=slicer.util.startupEnvironment(),
    )


def makeWorker() -> WorkerClient:
    """A worker that starts with its first job."""
    return WorkerClient(lambda: makeCommand("MSSoftSegLib.jobs.worker"), QtProcess, callLater)


def findRunsFolder() -> Path:
    """Where runs keep their files while this Slicer is open: its temporary folder is shared with every other one."""
    return Path(slicer.app.temporaryPath) / f"MSSoftSeg-{os.getpid()}"
