"""From a folder on the disk to an exam in the selectors: at once where there is no doubt, else after the user was asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import slicer

from MSSoftSegGUI.exam.chooser import ExamChooser
from MSSoftSegGUI.exam.loading import isDoubtful, loadExamFolder, loadFiles
from MSSoftSegGUI.scene.case_folder import makeFolder, putInto
from MSSoftSegLib.dicom.identity import read_identity


class ExamOpener:
    """panel: the exam's; jobs: asks the worker; folder: for files that pass between worker and scene; showResult: reviews one."""

    def __init__(self, panel, jobs, folder: Path, showResult: Callable[[Path], None]) -> None:
        self._panel, self._showResult = panel, showResult
        self.chooser = ExamChooser(
            jobs, folder=folder, identify=read_identity, load=self._takeChosen, show=panel.chooser.show
        )
        panel.chooser.setChooser(self.chooser)

    def loadFolder(self, folder: Path) -> None:
        """Load an exam folder as one exam in a folder of its own; where it is in doubt, ask."""
        if isDoubtful(folder):
            self.chooser.look_into(folder)
        else:
            self._place(*loadExamFolder(folder), folder.name)

    def openDicom(self, folder: Path) -> None:
        """Look through a folder of DICOM files, and ask which series are meant."""
        self.chooser.look_into(folder, dicom=True)

    def openWithResult(self, files, name: str, folder: Path) -> None:
        """Load images that are known, by slot, and their result for review."""
        nodes, problem = loadFiles(files)
        self._place(nodes, problem, name)
        if "flair" in nodes:
            self._showResult(folder)

    def forget(self) -> None:
        """The scene is closing."""
        self.chooser.close()

    def _takeChosen(self, files, name: str, warnings: str) -> None:
        nodes, problem = loadFiles(files, temporary=self.chooser.is_dicom)
        self._place(nodes, problem, name)
        if warnings and not problem:
            self._panel.tell(warnings, "warning")

    def _place(self, nodes: dict, problem: str, name: str) -> None:
        if nodes:
            item = makeFolder(name, next(iter(nodes.values())))
            for slot, node in nodes.items():
                # After forty exams nobody finds hers among FLAIR, FLAIR_1, FLAIR_2…
                node.SetName(slicer.mrmlScene.GenerateUniqueName(f"{name} {slot.upper()}"))
                putInto(item, node)
            self._panel.choose({slot: node.GetID() for slot, node in nodes.items()}, name)
        if problem:
            self._panel.tell(problem, "error")
