"""What befalls a run in the panel: a click on Cancel, or the death of the worker, the moment that a stage is reached."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable

STARTING = "starting"
STAGES = (
    "model",
    "reading",
    "alignment",
    "bias-correction",
    "brain-extraction",
    "working-grid",
    "inference",
    "lesions",
    "regions",
    "report",
)


def at_stage(reader, stage: str, befall: Callable[[], None]) -> list[str]:
    """Let something happen once, as soon as the run reports a stage; the list says what has happened."""
    runner, happened = reader.workbench.runner, []
    hear = runner._hear

    def listen(run, event):
        hear(run, event)
        reached = event.get("stage") == stage or (stage == STARTING and event["event"] == "started")
        if reached and not happened:
            happened.append(stage)
            befall()

    runner._hear = listen
    return happened


def click_cancel(reader) -> None:
    """A click on the large button while it says Cancel; from the event loop, as clicks come."""
    from PySide6 import QtCore

    def click():
        if reader.workbench.runner.view.is_running:
            reader.click("segmentButton")

    QtCore.QTimer.singleShot(0, click)


def kill_worker(reader) -> None:
    """kill -9."""
    os.kill(worker_id(reader), signal.SIGKILL)


def worker_id(reader) -> int:
    """The process of the panel's worker."""
    return int(reader.workbench.worker._process._process.processId())


def scene_content(*, without: tuple[str, ...] = ("vtkMRMLScriptedModuleNode",)) -> dict[str, tuple]:
    """Every node with its name, every image's voxels, every view's layers: what a failed run must not have touched.

    without: the panel's own parameters, which remember what was chosen.
    """
    import slicer

    content = {}
    for node in (slicer.mrmlScene.GetNthNode(n) for n in range(slicer.mrmlScene.GetNumberOfNodes())):
        if node.GetClassName() in without:
            continue
        facts: tuple = (node.GetClassName(), node.GetName())
        if node.IsA("vtkMRMLScalarVolumeNode") and node.GetImageData() is not None:
            facts += (hashlib.sha256(slicer.util.arrayFromVolume(node).tobytes()).hexdigest(),)
        if node.IsA("vtkMRMLSliceCompositeNode"):
            facts += (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID())
        content[node.GetID()] = facts
    return content


def run_folders() -> list[str]:
    """What runs have left in Slicer's temporary folder."""
    from MSSoftSegGUI.worker.place import findRunsFolder

    return sorted(path.name for path in findRunsFolder().iterdir()) if findRunsFolder().is_dir() else []


def card_text(reader) -> str:
    """What the panel says of a failure; empty where it says nothing."""
    label = reader.ui("segmentMessage")
    return label.text if label.visible else ""
