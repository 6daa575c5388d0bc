"""The masks that are compared where a reader corrected a visit: her drawing in the scene, or what the library keeps of hers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.prior.candidates import PriorCandidate, Today
from MSSoftSegGUI.scene.exam_drawing import hasDrawing, isFromModel, readDrawing, readNativeMatrix
from MSSoftSegGUI.scene.parameter_nodes import findExamOfNode
from MSSoftSegGUI.scene.review_facts import ReviewFacts
from MSSoftSegGUI.scene.same_voxels import put_on_grid
from MSSoftSegGUI.scene.volume_files import read_volume, write_volume
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegGUI.worker.error_card import ErrorCard, find_reason, make_sentence
from MSSoftSegLib.stepwise import Work

# The worker finds the mask of a library's case by itself.
BY_ITSELF = {"mask": "auto"}
OF_THE_MODEL = {"mask": "model"}


@dataclass(frozen=True)
class KeptMask:
    """A mask of an exam that a library keeps as corrected or approved. rater: who drew it."""

    path: str = ""
    rater: str = ""


@dataclass(frozen=True)
class FoundMask:
    """What would be compared of an exam now. labels: uint8 (k, j, i), None for the model's lesions; grid: 4 × 4, voxel to RAS mm.

    isLost: the library has a mask of it, whose file cannot be reached.
    """

    labels: np.ndarray | None = None
    grid: np.ndarray | None = None
    rater: str = ""
    isLost: bool = False


class Corrections:
    """settle(): takes over what was painted a moment ago. kept(exam): what a library keeps of an exam. rater(): who works."""

    def __init__(
        self,
        later,
        folder: Path,
        *,
        settle: Callable[[], None],
        kept: Callable[[Any], KeptMask],
        rater: Callable[[], str],
    ) -> None:
        self._work, self._folder = ChunkedWork(later), folder
        self.settle, self._kept, self._rater = settle, kept, rater

    def stop(self) -> None:
        """Nobody waits for them any more."""
        self._work.stop()

    def write(
        self,
        today: Today,
        prior: PriorCandidate,
        done: Callable[[list[dict[str, str]]], None],
        problem: Callable[[ErrorCard], None],
    ) -> None:
        """Write what was corrected of both visits, in turns; done gets the masks of the job, the prior's first."""

        def work() -> Work[None]:
            self.settle()
            masks = []
            for name, exam in (("prior", prior.exam), ("today", today.exam)):
                found = findExamOfNode(slicer.mrmlScene.GetNodeByID(exam)) if exam else None
                masks.append(dict(BY_ITSELF) if found is None else self._mask(found, name))
                yield
            done(masks)

        self._work.start(work(), lambda stopped: problem(make_card(stopped)))

    def find(self, exam) -> FoundMask:
        """Whose lesions of an exam count: what was corrected in the scene, else what the library keeps, else the model's."""
        if not hasDrawing(exam):
            return FoundMask()
        # Where the files of the result lie, whatever transform was put over its nodes since.
        grid = readNativeMatrix(exam.probability if isFromModel(exam) else exam.flair)
        if isCorrected(exam):
            return FoundMask(readDrawing(exam), grid, self._rater())
        kept = self._kept(exam)
        if not kept.path or not Path(kept.path).is_file():
            return FoundMask(isLost=bool(kept.path))
        array, matrix = read_volume(Path(kept.path))
        # A library may have the same voxels in another order.
        return FoundMask(put_on_grid(array, matrix, grid), grid, kept.rater)

    def _mask(self, exam, name: str) -> Mapping[str, str]:
        found = self.find(exam)
        if found.labels is None:
            return dict(OF_THE_MODEL)
        path = self._folder / f"{name}_corrected.nii"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_volume(found.labels, found.grid, path)
        return {"mask": str(path), "rater": found.rater}


def isCorrected(exam) -> bool:
    """Whether a reader decided on, drew or cut anything of it; what the model left untouched is the model's."""
    if not isFromModel(exam):
        return bool(readDrawing(exam).any())
    facts = ReviewFacts.from_json(exam.lesionFacts)
    isCutElsewhere = exam.threshold > 0 and abs(exam.threshold - facts.model_threshold) > 1e-6
    isSizedElsewhere = exam.minLesionMm3 >= 0 and abs(exam.minLesionMm3 - facts.min_lesion_mm3) > 1e-6
    return bool(exam.decisions or exam.edits) or isCutElsewhere or isSizedElsewhere


def make_card(problem: Exception) -> ErrorCard:
    """Why a correction could not be handed to the worker."""
    text = _("What you corrected could not be written for the worker: {reason}")
    what = make_sentence(text.format(reason=find_reason(problem)))
    return ErrorCard(what, _("Free some disk space, or choose another temporary folder, then compare again."), what)
