"""Plays the radiologist on the host: clicks by object name, real worker process, real model, small digital patient."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path

from MSSoftSegLib.phantom.digital_patient import SMALL_SETTINGS, make_digital_patient
from MSSoftSegLib.phantom.patient_files import write_digital_patient
from Testing.patience import HANGING_S

MODULE = Path(__file__).resolve().parents[3] / "MSSoftSeg" / "MSSoftSeg.py"
# Two cores that other work shares; alone it takes a quarter of this.


def write_small_patient(folder: Path, *, seed: int = 1) -> Path:
    """The exam folder of a coarse digital patient, made in about a second."""
    return write_digital_patient(make_digital_patient(seed=seed, settings=SMALL_SETTINGS), folder)


class Radiologist:
    """One person in front of one panel. wakes_worker: whether choosing an exam starts a process, of use to few tests."""

    def __init__(self, host, *, wakes_worker: bool = False) -> None:
        from Testing.SlicerHost.latency import wait_until

        self.host, self._wait_until = host, wait_until
        host.show(1500, 1000)
        self.widget = host.load_module(MODULE)
        self.workbench = self.widget.workbench
        self.clicks: list[str] = []
        self.wakes: list[float] = []
        if not wakes_worker:
            self.workbench.worker.wake = self.wakes.append

    @property
    def review(self):
        """The review of the exam on the table."""
        return self.workbench.review

    @property
    def view(self):
        """What the review shows."""
        return self.review.presenter.view

    def ui(self, name: str):
        """A widget by its object name, wherever it is in the panel."""
        panels = (self.workbench.exam, self.workbench.segment, self.review.panel, self.workbench.edit)
        curation = [panel for _section, panel in self.workbench.curation.panels]
        others = (self.workbench.environment, *curation, self.workbench.prior.panel, self.workbench.training.panel)
        for panel in (*panels, *others):
            if hasattr(panel.ui, name):
                return getattr(panel.ui, name)
        return getattr(self.widget.ui, name)

    def click(self, name: str) -> None:
        """Press a button; one that is disabled cannot be pressed."""
        button = self.ui(name)
        assert button.enabled, f"{name} is disabled"
        self.clicks.append(name)
        button.click()
        self.host.process_events()

    def wait(self, condition, what: str = "what was waited for") -> None:
        """Let the event loop run until something is so."""
        self._wait_until(condition, HANGING_S, what)

    def rest(self, seconds: float) -> None:
        """Do nothing for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.host.process_events()
            time.sleep(0.005)

    def load_exam(self, folder: Path) -> None:
        """What the folder button does once a folder was chosen."""
        self.clicks += ["loadFolderButton", "OK of its dialog"]
        self.workbench.loadFolder(folder)
        self.host.process_events()

    def open_section(self, name: str) -> None:
        """Unfold a section of the panel."""
        self.clicks.append(f"{name}Section")
        self.ui(f"{name}Section").collapsed = False
        self.host.process_events()

    def choose_folder(self, name: str, folder: Path) -> None:
        """Browse for a folder in one of the fields for paths."""
        self.clicks += [name, "OK of its dialog"]
        self.ui(name).currentPath = str(folder)
        self.host.process_events()

    def be_quick(self) -> None:
        """One pass of the network instead of eight."""
        self.ui("ttaCheckBox").checked = False

    def segment(self) -> None:
        """Click Segment and wait for the result, which takes the place of an earlier one."""
        before = self.review.exam.probability if self.review.exam is not None else None
        self.click("segmentButton")
        self.wait(lambda: not self.workbench.runner.view.is_running, "the end of the run")
        assert self.workbench.runner.view.error is None, self.workbench.runner.view.error
        self.wait(lambda: self._probability() not in (None, before), "the result in the scene")

    def _probability(self):
        return self.review.exam.probability if self.review.exam is not None else None

    def click_row(self, row: int) -> None:
        """Click a row of the lesion table."""
        from PySide6 import QtCore, QtTest

        table = self.ui("lesionTable")._inner
        rectangle = table.visualRect(table.model().index(row, 1))
        table.scrollTo(table.model().index(row, 1))
        rectangle = table.visualRect(table.model().index(row, 1))
        QtTest.QTest.mouseClick(table.viewport(), QtCore.Qt.LeftButton, QtCore.Qt.NoModifier, rectangle.center())
        self.host.process_events()

    def paint(self, ras) -> None:
        """Go to the place in the axial view and press the mouse once with the effect that is active."""
        import slicer

        from Testing.SlicerHost import gestures

        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            node.JumpSliceByCentering(*ras)
        gestures.click_in_view("Red", tuple(ras))
        self.rest(0.5)

    def point(self, ras, *, view: str = "Red", shift: bool = False, drag_px: int = 0) -> None:
        """Go to the place and click there, as who saw it in that view."""
        import slicer

        from Testing.SlicerHost import gestures

        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            node.JumpSliceByOffsetting(*ras)
        gestures.click_in_view(view, tuple(ras), shift=shift, drag_px=drag_px)
        self.host.process_events()

    def choose_layout(self, layout: str) -> None:
        """Pick an entry of the menu of views."""
        combo = self.ui("layoutCombo")
        assert combo.findData(layout) >= 0, f"{layout} is not offered"
        combo.currentIndex = combo.findData(layout)
        self.host.process_events()

    def masks(self):
        """The two segments as they are in the scene."""
        from MSSoftSegGUI.scene.segmentation_node import readMasks

        return readMasks(self.review.exam.segmentation, self.review.exam.probability)


@contextmanager
def at_work(host):
    """A visit in an empty scene; whatever a slot raised fails the test."""
    host.close_scene()
    host.forget_slot_errors()
    person = Radiologist(host)
    yield person
    host.close_scene()
    person.rest(0.05)
    host.unload_module("MSSoftSeg")
    assert host.slot_errors == []
