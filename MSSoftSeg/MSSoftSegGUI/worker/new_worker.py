"""A worker as the panel starts one: with the Python that the user chose, through Slicer's event loop."""

from __future__ import annotations

from MSSoftSegGUI.worker.client import WorkerClient
from MSSoftSegGUI.worker.place import makeCommand
from MSSoftSegGUI.worker.qt_process import QtProcess, later


def newWorker() -> WorkerClient:
    """A worker that starts with its first job."""
    return WorkerClient(lambda: makeCommand("MSSoftSegLib.jobs.worker"), QtProcess, later)
