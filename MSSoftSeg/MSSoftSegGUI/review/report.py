"""The report of a result as it is now, corrected: written by the worker, opened in the browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.scene.review_facts import LesionPlaceFacts, read_places
from MSSoftSegGUI.scene.volume_files import write_volume
from MSSoftSegGUI.worker.chunked_work import ChunkedWork
from MSSoftSegGUI.worker.error_card import ErrorCard, make_sentence
from MSSoftSegGUI.worker.export_problem import make_export_card
from MSSoftSegLib.result_files import FACTS_FILE, PROBABILITY_FILE, REGION_MAPS_FILE, REPORT_FILE
from MSSoftSegLib.stepwise import Work

TOPIC, PLACES_TOPIC = "report", "places"


@dataclass(frozen=True, eq=False)
class Reviewed:
    """A result as the reader left it. labels: uint8 (k, j, i) on FLAIR's voxels; ras_from_ijk: 4×4, as the result has it.

    decided: how many of the model's lesions are accepted or rejected. entered: of spinal_cord and optic_nerve, in words.
    """

    folder: Path
    flair: object
    labels: np.ndarray
    ras_from_ijk: np.ndarray
    threshold: float
    min_lesion_mm3: float
    decided: int
    lesions: int
    entered: dict[str, str]


def openInBrowser(path: Path) -> bool:
    """Whether there is a program that shows pages."""
    return bool(qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path))))


class ReviewReport:
    """jobs: asks the worker. folder: for what it reads. reviewer: gives the reader's name, "" before she said it.

    tell(text, kind) says how it goes.
    """

    def __init__(self, jobs, later, folder: Path, *, reviewer: Callable[[], str]) -> None:
        self._jobs, self._folder, self._reviewer = jobs, folder, reviewer
        self._work = ChunkedWork(later)
        self.open = openInBrowser
        self.tell: Callable[[str, str], None] = lambda _text, _kind: None
        self.onPlaces: Callable[[dict[str, LesionPlaceFacts]], None] = lambda _places: None

    def forget(self) -> None:
        """Another exam is looked at."""
        self._work.stop()
        self._jobs.drop(TOPIC)
        self._jobs.drop(PLACES_TOPIC)

    def findPlaces(self, reviewed: Reviewed) -> bool:
        """Ask where drawn and changed lesions lie; whether that could be asked. onPlaces is told, if it is found."""
        if not (reviewed.folder / REGION_MAPS_FILE).is_file():
            return False
        labels = self._folder / "placed.nii"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_volume(reviewed.labels, reviewed.ras_from_ijk, labels)
        except (OSError, ValueError, RuntimeError):
            return False
        spec = {
            "result": str(reviewed.folder),
            # Only its grid is asked for.
            "reference": str(reviewed.folder / PROBABILITY_FILE),
            "labels": str(labels),
            "threshold": reviewed.threshold,
            "min_lesion_mm3": reviewed.min_lesion_mm3,
            "decided": reviewed.decided,
            "lesions": reviewed.lesions,
        }
        self._jobs.ask("report", spec, on_result=self._hearPlaces, on_problem=lambda _card: None, topic=PLACES_TOPIC)
        return True

    def _hearPlaces(self, summary) -> None:
        self.onPlaces(read_places(summary.get("places")))

    def write(self, reviewed: Reviewed) -> None:
        """Write the report and open it."""
        if not (reviewed.folder / FACTS_FILE).is_file():
            self.tell(_("The files of this result are gone. Click Segment to make them again."), "error")
            return
        self.tell(_("The report is being written…"), "note")
        self._work.start(
            self._writing(reviewed), lambda problem: self._fail(make_export_card("FLAIR", problem, self._folder))
        )

    def _writing(self, reviewed: Reviewed) -> Work[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        flair, labels = self._folder / "FLAIR.nii", self._folder / "labels.nii"
        voxels = slicer.util.arrayFromVolume(reviewed.flair)
        if voxels.shape != reviewed.labels.shape:
            raise ValueError(_("it does not lie on the voxels of this result"))
        write_volume(voxels, reviewed.ras_from_ijk, flair)
        yield
        write_volume(reviewed.labels, reviewed.ras_from_ijk, labels)
        page = reviewed.folder / REPORT_FILE
        spec = {
            "result": str(reviewed.folder),
            "reference": str(flair),
            "labels": str(labels),
            "threshold": reviewed.threshold,
            "min_lesion_mm3": reviewed.min_lesion_mm3,
            "reviewer": self._reviewer(),
            "decided": reviewed.decided,
            "lesions": reviewed.lesions,
            **reviewed.entered,
            "out": str(page),
        }
        self._jobs.ask(
            TOPIC, spec, on_result=lambda summary: self._finish(page, summary), on_problem=self._fail, topic=TOPIC
        )

    def _finish(self, page: Path, summary) -> None:
        self._hearPlaces(summary)
        self._show(page)

    def _show(self, page: Path) -> None:
        if self.open(page):
            text = _("The report is open in your browser. Print or save it there: {path} goes when Slicer is closed.")
        else:
            text = _("The report is written to {path}, which goes when Slicer is closed.")
        self.tell(text.format(path=page), "note")

    def _fail(self, card: ErrorCard) -> None:
        self.tell(f"{make_sentence(card.what)} {card.remedy}", "error")
