"""The exam on the table as files for the worker: FLAIR, T1, T2 and the drawing, each in a turn of the event loop.

Voxels are written where the images themselves say they lie: a transform that was put over them in the scene is no part of the
images, and a library keeps what the scanner gave.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import slicer
import vtk

from MSSoftSegGUI.error_card import ErrorCard
from MSSoftSegGUI.exam_drawing import digestOf, isFromModel, readDrawing
from MSSoftSegGUI.export_problem import export_card
from MSSoftSegGUI.job_documents import SLOTS
from MSSoftSegGUI.library_keeping import WrittenCase
from MSSoftSegGUI.parameter_nodes import isThere
from MSSoftSegGUI.result_material import ReviewFacts
from MSSoftSegGUI.turns import PROBLEMS, Turns, Work
from MSSoftSegGUI.volume_files import write_volume

MODEL_MASK = "lesion_mask.nii.gz"


def nativeMatrix(volumeNode) -> np.ndarray:
    """The node's own 4 × 4 matrix from voxel (i, j, k) to RAS mm, without the transforms over it."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


class CaseFiles:
    """folder: where files are written; each exam's images once, the drawing whenever it is asked for."""

    def __init__(self, later, folder: Path) -> None:
        self._later, self._turns, self._folder = later, Turns(later), folder
        self._flair: tuple[str, int, Path] | None = None

    def forget(self) -> None:
        """The scene is closing: what is being written is no longer there."""
        self._turns.stop()
        self._flair = None

    def writeDrawing(self, exam, done: Callable[[Path, Path], None], problem: Callable[[ErrorCard], None]) -> None:
        """Write the drawing and FLAIR; done gets both files."""

        def work() -> Work[None]:
            flair = self._folder / "preview" / "FLAIR.nii"
            flair.parent.mkdir(parents=True, exist_ok=True)
            image = exam.flair.GetImageData()
            known = (exam.flair.GetID(), image.GetMTime(), flair)
            if self._flair != known:
                write_volume(slicer.util.arrayFromVolume(exam.flair), nativeMatrix(exam.flair), flair)
                self._flair = known
                yield
            labels = readDrawing(exam)
            yield
            drawing = flair.with_name("drawing.nii")
            write_volume(labels, nativeMatrix(exam.flair), drawing)
            done(drawing, flair)

        self._turns.start(_told(work(), "FLAIR", self._folder, problem), lambda _problem: None)

    def writeCase(
        self, exam, *, with_images: bool, edited_from: str, done: Callable[[WrittenCase], None], problem
    ) -> None:
        """Write all that a library keeps of the exam."""
        folder = self._folder / "save"

        def work() -> Work[None]:
            folder.mkdir(parents=True, exist_ok=True)
            images = {}
            for slot in SLOTS if with_images else ():
                node = getattr(exam, slot)
                if isThere(node):
                    images[slot] = folder / f"{slot.upper()}.nii"
                    write_volume(slicer.util.arrayFromVolume(node), nativeMatrix(node), images[slot])
                    yield
            labels = readDrawing(exam)
            yield
            mask = folder / "drawing.nii"
            write_volume(labels, nativeMatrix(exam.flair), mask)
            result, source_model = _modelOf(exam)
            drawn = result / MODEL_MASK if result is not None else None
            start = Path(edited_from) if edited_from else drawn if drawn is not None and drawn.is_file() else None
            done(WrittenCase(mask, digestOf(labels), images, result, start, source_model))

        # Not in the turns of the preview, which a new preview would stop.
        Turns(self._later).start(_told(work(), "FLAIR", self._folder, problem), lambda _problem: None)


def _told(work: Work[None], slot: str, folder: Path, problem: Callable[[ErrorCard], None]) -> Work[None]:
    """The work, with what stops it told as a card."""
    try:
        yield from work
    except (*PROBLEMS, LookupError) as stopped:
        problem(export_card(slot, stopped, folder))


def _modelOf(exam) -> tuple[Path | None, str]:
    """The result folder that the drawing began with, if it is still there, and the model's name."""
    if not isFromModel(exam):
        return None, ""
    folder = Path(exam.resultFolder) if exam.resultFolder else None
    isWhole = folder is not None and (folder / "result.json").is_file()
    return (folder if isWhole else None), ReviewFacts.from_json(exam.lesionFacts).model
