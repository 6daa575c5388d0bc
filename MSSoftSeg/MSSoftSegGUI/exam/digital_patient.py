"""The sample exam: the digital patient, made on this computer by a process of its own. Nothing is downloaded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import qt
import slicer

from MSSoftSegGUI.worker.command_run import CommandRun

SAMPLE_NAME = "MSSoftSegDigitalPatient"
MODULE = "MSSoftSegLib.phantom"
IMAGES = ("FLAIR.nii.gz", "T1.nii.gz", "T2.nii.gz")


def makeDigitalPatient(makeProcess, makeCommand, onDone: Callable[[Path | None, str], None], *, small: bool = False):
    """Start making her; onDone gets the folder, or None and why there is none. The run can be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="patient-", dir=slicer.app.temporaryPath)) / "DigitalPatient"
    arguments = (str(folder), *(("--small",) if small else ()))

    def ended(answer) -> None:
        onDone(folder if answer.succeeded else None, answer.last_error_line)

    return CommandRun(makeProcess, makeCommand(MODULE, arguments), ended)


def makeAndWait(makeProcess, makeCommand) -> Path:
    """The folder, for Sample Data, which expects its nodes at once; the event loop runs meanwhile."""
    loop, outcome = qt.QEventLoop(), []

    def done(folder, reason) -> None:
        outcome.append((folder, reason))
        loop.quit()

    makeDigitalPatient(makeProcess, makeCommand, done)
    loop.exec_()
    folder, reason = outcome[0]
    if folder is None:
        raise RuntimeError(reason)
    return folder
