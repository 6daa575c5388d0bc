"""The exam on the table as files for the worker: FLAIR, T1, T2 and the drawing, each in a turn of the event loop.

Voxels are written where the images themselves say they lie: a transform that was put over them in the scene is no part of the
images, and a library keeps what the scanner gave.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import slicer

from MSSoftSegGUI.library.save_job import WrittenCase
from MSSoftSegGUI.scene.exam_drawing import computeDigest, isFromModel, readDrawing, readNativeMatrix
from MSSoftSegGUI.scene.parameter_nodes import isThere
from MSSoftSegGUI.scene.review_facts import ReviewFacts
from MSSoftSegGUI.scene.same_voxels import put_on_grid
from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.scene.volume_files import write_volume
from MSSoftSegGUI.worker.chunked_work import PROBLEMS, ChunkedWork
from MSSoftSegGUI.worker.error_card import ErrorCard
from MSSoftSegGUI.worker.export_problem import make_export_card
from MSSoftSegLib.result_files import FACTS_FILE, MASK_FILE
from MSSoftSegLib.stepwise import Work


class CaseFiles:
    """folder: where files are written; each exam's images once, the drawing whenever it is asked for."""

    def __init__(self, later, folder: Path) -> None:
        self._later, self._work, self._folder = later, ChunkedWork(later), folder
        self._flair: tuple | None = None

    def forget(self) -> None:
        """The scene is closing: what is being written is no longer there."""
        self._work.stop()
        self._flair = None

    def writeDrawing(
        self, exam, grid: np.ndarray | None, done: Callable[[Path, Path], None], problem: Callable[[ErrorCard], None]
    ) -> None:
        """Write the drawing and FLAIR; done gets both files. grid: in which order a library has the voxels, None = as here."""

        def work() -> Work[None]:
            flair = self._folder / "preview" / "FLAIR.nii"
            flair.parent.mkdir(parents=True, exist_ok=True)
            image = exam.flair.GetImageData()
            own = readNativeMatrix(exam.flair)
            wanted = own if grid is None else grid
            known = (exam.flair.GetID(), image.GetMTime(), wanted.tolist())
            if self._flair != known:
                write_volume(put_on_grid(slicer.util.arrayFromVolume(exam.flair), own, wanted), wanted, flair)
                self._flair = known
                yield
            labels = readDrawing(exam, grid)
            yield
            drawing = flair.with_name("drawing.nii")
            write_volume(labels, wanted, drawing)
            done(drawing, flair)

        self._work.start(_tell_problems(work(), "FLAIR", self._folder, problem), lambda _problem: None)

    def writeCase(
        self, exam, grid: np.ndarray | None, *, with_images: bool, edited_from: str, done: Callable, problem: Callable
    ) -> None:
        """Write all that a library keeps of the exam; done gets a ``WrittenCase``. grid: as for ``writeDrawing``."""
        folder = self._folder / "save"

        def work() -> Work[None]:
            folder.mkdir(parents=True, exist_ok=True)
            images = {}
            for slot in SLOTS if with_images else ():
                node = getattr(exam, slot)
                if isThere(node):
                    images[slot] = folder / f"{slot.upper()}.nii"
                    write_volume(slicer.util.arrayFromVolume(node), readNativeMatrix(node), images[slot])
                    yield
            labels = readDrawing(exam, grid)
            yield
            mask, wanted = folder / "drawing.nii", readNativeMatrix(exam.flair) if grid is None else grid
            write_volume(labels, wanted, mask)
            result, source_model = _modelOf(exam)
            drawn = result / MASK_FILE if result is not None else None
            start = Path(edited_from) if edited_from else drawn if drawn is not None and drawn.is_file() else None
            facts = {"grid": tuple(wanted.ravel().tolist()), "source_model": source_model}
            done(WrittenCase(mask, computeDigest(labels), images, result, start, **facts))

        # Not in the turns of the preview, which a new preview would stop.
        ChunkedWork(self._later).start(_tell_problems(work(), "FLAIR", self._folder, problem), lambda _problem: None)


def _tell_problems(work: Work[None], slot: str, folder: Path, problem: Callable[[ErrorCard], None]) -> Work[None]:
    """The work, with what stops it told as a card."""
    try:
        yield from work
    except (*PROBLEMS, LookupError) as stopped:
        problem(make_export_card(slot, stopped, folder))


def _modelOf(exam) -> tuple[Path | None, str]:
    """The result folder that the drawing began with, if it is still there, and the model's name."""
    if not isFromModel(exam):
        return None, ""
    folder = Path(exam.resultFolder) if exam.resultFolder else None
    isWhole = folder is not None and (folder / FACTS_FILE).is_file()
    return (folder if isWhole else None), ReviewFacts.from_json(exam.lesionFacts).model
