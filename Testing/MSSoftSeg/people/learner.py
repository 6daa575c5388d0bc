"""Plays the one who teaches: small pieces of digital patients, a recipe of a few steps, real processes for everything."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.phantom.acquisition import Acquisition
from MSSoftSegLib.phantom.digital_patient import DigitalPatientSettings, make_digital_patient
from Testing.MSSoftSeg.people.curator import Curator
from Testing.MSSoftSegLib.library.adding import add_case

# Two cores that other work shares; alone it takes a tenth of this.
SPACING_MM = 2.0
# Half the side of the piece of brain around the middle of the lesions, and the air around it, voxels.
HALF, AIR = 16, 6
STEPS = 4
RECIPE = f"""
extends = "mssoftseg-fullres"
name = "few-steps"
title = "A few steps, for a test"
[sampling]
mode = "patch"
size = [32, 32, 32]
batch = 1
[training]
steps_per_epoch = {STEPS}
phases = [{{ epochs = 1, rate = 1e-4 }}]
checkpoint_steps = 2
[postprocessing]
calibrate = false
tta = "none"
"""


@functools.cache
def piece(seed: int) -> tuple[dict, sitk.Image]:
    """A block of brain with lesions on FLAIR, brain-extracted, and the truth (0, 1). One contrast: aligning takes the longest."""
    spacing = (SPACING_MM,) * 3
    settings = DigitalPatientSettings(
        patient_spacing_mm=SPACING_MM,
        acquisitions=(Acquisition(Modality.FLAIR, spacing, noise=0.03, white_level=300.0),),
        move_deg=0.0,
        move_mm=0.0,
    )
    patient = make_digital_patient(seed=seed, settings=settings)
    truth = sitk.BinaryThreshold(patient.truth, 0.5, 2.0, 1, 0)
    middle = np.argwhere(sitk.GetArrayViewFromImage(truth)).mean(axis=0).round().astype(int)[::-1]
    low = [int(max(0, place - HALF)) for place in middle]
    size = [int(min(2 * HALF, whole - first)) for whole, first in zip(truth.GetSize(), low, strict=True)]
    flair = sitk.Mask(patient.exam.image(Modality.FLAIR), patient.brain_mask)
    return {Modality.FLAIR: _cut(flair, size, low)}, _cut(truth, size, low)


def _cut(image: sitk.Image, size: list[int], low: list[int]) -> sitk.Image:
    """The block with nothing around it, as in a brain-extracted image."""
    return sitk.ConstantPad(sitk.RegionOfInterest(image, size, low), (AIR,) * 3, (AIR,) * 3, 0)


def write_library(folder: Path, seeds) -> Path:
    """A library of exams that nobody has looked at yet, one for each seed."""
    create_library(folder)
    for seed in seeds:
        add_case(folder, patient=f"P{seed}", images=piece(seed)[0], preprocessed=True)
    return folder


def write_exam(folder: Path, seed: int) -> Path:
    """An exam folder, as it comes from elsewhere."""
    folder.mkdir(parents=True)
    for modality, image in piece(seed)[0].items():
        sitk.WriteImage(image, str(folder / f"{modality.name}.nii.gz"))
    return folder


class Learner(Curator):
    """A radiologist whose workers are all real."""

    def __init__(self, host) -> None:
        super().__init__(host)
        self.workbench.runner._worker = self.workbench.worker

    def reopen(self) -> None:
        """The panel is closed, its workers with it, and opened again: as Reload does, or Slicer started anew."""
        self.host.unload_module("MSSoftSeg")
        self.__init__(self.host)
        self.host.process_events()

    @property
    def training(self):
        """What stands behind the section."""
        return self.workbench.training

    @property
    def run(self):
        """The training that is looked at."""
        return self.training.presenter.view

    @property
    def judgment(self):
        """Old against new."""
        return self.training.judgment.view

    def drawing(self) -> np.ndarray:
        """The labels of the exam on the table, (k, j, i)."""
        from MSSoftSegGUI.scene.exam_drawing import readDrawing

        return readDrawing(self.curation.exam()).copy()

    def correct(self, labels: np.ndarray) -> None:
        """Change the drawing, as an effect of the Segment Editor does."""
        from MSSoftSegGUI.scene.segmentation_node import writeLabels

        exam = self.curation.exam()
        writeLabels(exam.segmentation, labels, exam.probability)
        segmentation = exam.segmentation.GetSegmentation()
        segmentation.InvokeEvent(segmentation.SourceRepresentationModified)
        self.rest(0.3)

    def take_brain_as_given(self) -> None:
        """The images of the test are brain-extracted; one pass of the network is enough."""
        combo = self.ui("brainCombo")
        combo.currentIndex = combo.findData("none")
        self.be_quick()

    def click_and_answer(self, name: str, answer: str) -> list[str]:
        """Press a button, and a button of the question that follows; the list then holds the question.

        From the event loop, as clicks come: a box that is asked for outside it is gone before it is seen.
        """
        from PySide6 import QtCore, QtWidgets

        asked = []

        def click():
            box = QtWidgets.QApplication.activeModalWidget()
            if box is None:
                QtCore.QTimer.singleShot(50, click)
                return
            asked.append(box.text())
            next(button for button in box.buttons() if button.text().replace("&", "") == answer).click()

        loop = QtCore.QEventLoop()

        def press():
            try:
                self.click(name)
            finally:
                loop.quit()

        self.host.set_testing(False)
        try:
            QtCore.QTimer.singleShot(50, click)
            QtCore.QTimer.singleShot(0, press)
            loop.exec()
        finally:
            self.host.set_testing(True)
        assert asked, "nothing was asked"
        return asked

    def plan(self, recipe: Path, name: str, *, library: Path | None = None) -> None:
        """Choose what to train, and wait for the pre-flight."""
        if library is not None:
            self.ui("trainLibraryEdit").currentPath = str(library)
        self.training.panel.addRecipeFile(str(recipe))
        device = self.ui("trainDeviceCombo")
        device.currentIndex = device.findData("cpu")
        self.ui("nameEdit").text = name
        self.wait(self.is_preflight_done, "the pre-flight")

    def is_preflight_done(self) -> bool:
        """Whether it is said what would happen."""
        view = self.training.preflight.view
        return not view.is_busy and (len(view.facts) > 1 or bool(view.findings))

    def train(self) -> None:
        """Click Train and wait until a process works on it."""
        self.click("trainButton")
        self.wait(lambda: self.run.phase not in ("starting", "none"), "the start of the training")
        assert self.run.error is None, self.run.error

    def wait_phase(self, *phases: str) -> None:
        """Wait until the training is in one of these phases."""
        self.wait(lambda: self.run.phase in phases, f"a training that is {' or '.join(phases)}")

    def wait_verdict(self) -> None:
        """Wait until old and new were compared."""
        self.wait(lambda: self.judgment.phase in ("judged", "failed"), "the comparison")
        assert self.judgment.error is None, self.judgment.error


@contextmanager
def at_work(host):
    """A visit in an empty scene; whatever a slot raised fails the test."""
    import slicer

    host.close_scene()
    host.forget_slot_errors()
    settings = ("Library", "KnownLibrary", "Rater")
    for name in settings:
        slicer.app.settings().remove(f"MSSoftSeg/{name}")
    person = Learner(host)
    try:
        yield person
    finally:
        for name in settings:
            slicer.app.settings().remove(f"MSSoftSeg/{name}")
        host.close_scene()
        person.rest(0.05)
        host.unload_module("MSSoftSeg")
    assert host.slot_errors == []
