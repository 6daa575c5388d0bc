"""The review of one result as it is shown: the lesion table, what is selected, and every click on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from MSSoftSegGUI.review.columns import sort_rows
from MSSoftSegGUI.review.decisions import Decisions, Status
from MSSoftSegGUI.review.lesion_rows import LesionRow
from MSSoftSegGUI.review.mask import ReviewMask, find_box
from MSSoftSegGUI.review.material import ReviewMaterial, prepare
from MSSoftSegGUI.review.pointing import GrownFrom
from MSSoftSegGUI.review.view import ReviewView
from MSSoftSegGUI.review.work import ReviewWork
from MSSoftSegGUI.scene.review_facts import LesionPlaceFacts
from MSSoftSegLib.lesion.live.growth import Place
from MSSoftSegLib.lesion.live.manual_edits import ManualEdits
from MSSoftSegLib.lesion.live.threshold import HIGHEST_THRESHOLD, LiveInstances, LiveThreshold
from MSSoftSegLib.lesion.live.voxel_set import NO_VOXELS
from MSSoftSegLib.stepwise import Work, finish

Point = tuple[float, float, float]
Pointed = Literal["selected", "grown", "nothing"]


class ReviewPresenter:
    """show gets every new picture; jump gets the place (RAS mm) that the slice views are to go to."""

    def __init__(self, *, show: Callable[[ReviewView], None], jump: Callable[[Point], None]) -> None:
        self._show, self._jump = show, jump
        self.close()

    def close(self) -> None:
        """Let go of the result."""
        self._work: ReviewWork | None = None
        self._mask = ReviewMask((0, 0, 0))
        self._selected = 0
        self._order = ("", False)
        self.view = ReviewView(threshold=0.5)

    def open(self, material: ReviewMaterial, **state: Any) -> None:
        """Begin, or go on with, the review of a result in one go; state: as ``opening`` takes it."""
        finish(self.opening(material, **state))

    def opening(
        self,
        material: ReviewMaterial,
        *,
        threshold: float | None = None,
        min_lesion_mm3: float | None = None,
        decisions_json: str = "",
        edits_json: str = "",
        live: LiveThreshold | None = None,
    ) -> Work[None]:
        """Begin, or go on with, the review of a result; ValueError where decisions or edits belong to another one.

        threshold, min_lesion_mm3: None = the model's. live: what was prepared for this result already.
        """
        shape = material.probability.shape
        decisions = Decisions.from_json(decisions_json, shape)
        edits = ManualEdits.from_json(edits_json, shape)
        self.close()
        live = live or (yield from prepare(material))
        yield
        self._work = ReviewWork(
            material, live, threshold=threshold, min_lesion_mm3=min_lesion_mm3, decisions=decisions, edits=edits
        )
        self._mask = self._work.mask
        self._refresh()

    @property
    def is_open(self) -> bool:
        """Whether a result is under review."""
        return self._work is not None

    @property
    def lowest_threshold(self) -> float:
        """The slider's lower end for this result."""
        return self._work.live.lowest if self._work is not None else 0.05

    @property
    def highest_threshold(self) -> float:
        """The slider's upper end."""
        return self._work.highest_threshold if self._work is not None else HIGHEST_THRESHOLD

    @property
    def ras_from_ijk(self) -> np.ndarray:
        """The 4×4 matrix by which this review says places, mm."""
        return self._work.material.ras_from_ijk if self._work is not None else np.eye(4)

    @property
    def labels(self) -> np.ndarray:
        """uint8 (k, j, i): 1 = MS lesion, 2 = possible MS lesion. Changed in place; ``changed`` says where."""
        return self._mask.labels

    @property
    def changed(self) -> np.ndarray:
        """Flat indices of the voxels whose label differs from the picture shown before. To be read in show."""
        return self._mask.changed

    @property
    def decisions_json(self) -> str:
        """The decisions for the parameter node; "" while none is made."""
        made = self._work is not None and self._work.decisions.made
        return self._work.decisions.to_json(self._mask.labels.shape) if self._work and made else ""

    @property
    def edits_json(self) -> str:
        """What was painted and erased, for the parameter node; "" while nothing is."""
        if self._work is None or self._work.edits.is_empty:
            return ""
        return self._work.edits.to_json(self._mask.labels.shape)

    def set_threshold(self, threshold: float | None = None, *, min_lesion_mm3: float | None = None) -> None:
        """The slider of the threshold, or of the smallest lesion, moves; None stays."""
        if self._work is not None:
            self._refresh(final=self._work.take_cut(self._work.cut(threshold, min_lesion_mm3), final=False))

    def release_threshold(self, threshold: float | None = None, *, min_lesion_mm3: float | None = None) -> None:
        """The slider is let go."""
        if self._work is None:
            return
        cut = self._work.cut(threshold, min_lesion_mm3)
        if cut != self._work.settled:
            self._work.remember()
        self._work.take_cut(cut, final=True)
        self._refresh()

    def release_as_model(self) -> None:
        """Back to the threshold and the smallest lesion of the model, as one step."""
        if self._work is not None:
            facts = self._work.material.facts
            self.release_threshold(facts.model_threshold, min_lesion_mm3=facts.min_lesion_mm3)

    def sort(self, key: str) -> None:
        """A click on a head: by this column, a second one the other way round, a third least certain first again."""
        self._order = {(key, False): (key, True), (key, True): ("", False)}.get(self._order, (key, False))
        self._mask.changed = NO_VOXELS
        self.view = dataclasses.replace(self.view, rows=self._sorted(self.view.rows), order=self._order)
        self._show(self.view)

    def select(self, number: int) -> None:
        """A click on a row: the views go there."""
        row = self.view.row_of(number)
        if row is not None:
            self._selected = row.anchor
            self._mask.changed = NO_VOXELS
            self.view = dataclasses.replace(self.view, selected=number)
            self._show(self.view)
            self._jump(row.place_ras_mm)

    def next(self) -> None:
        """Go to the next lesion without a decision, in the table's order and round again."""
        rows = self._rows_after_selected()
        target = next((row for row in rows if row.status == "undecided" and row.origin == "model"), None)
        if target is not None:
            self.select(target.number)

    def previous(self) -> None:
        """Go to the row before."""
        others = [row for row in self._rows_after_selected() if row.anchor != self._selected] or self.view.rows
        if others:
            self.select(others[-1].number)

    def accept(self) -> None:
        """The selected lesion is one; go to the next."""
        self._decide("accepted")

    def reject(self) -> None:
        """The selected lesion is none: it leaves the mask; go to the next."""
        self._decide("rejected")

    def accept_all(self, *, probability: float) -> int:
        """Accept every undecided lesion of at least this mean probability, as one step; how many that were."""
        return self._decide_all("accepted", lambda row: row.mean_probability >= probability)

    def reject_all(self, *, below_mm3: float) -> int:
        """Reject every undecided lesion that is smaller, as one step; how many that were."""
        return self._decide_all("rejected", lambda row: row.volume_mm3 < below_mm3)

    def undo(self) -> None:
        """Take the last decision, move of the threshold or stroke back; a decision's lesion is gone to."""
        if self._work is None:
            return
        undone = self._work.decisions
        if self._work.undo():
            self._refresh()
            if undone is not self._work.decisions:
                self._go_to_last_of(undone)

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._work is not None and self._work.redo():
            self._refresh()

    def take_edits(self, lesion: np.ndarray, possible: np.ndarray) -> None:
        """The user painted: the two segments as they are now, boolean (k, j, i) like ``labels``."""
        if self._work is not None:
            self._work.take_edits(lesion, possible)
            self._refresh()

    def take_places(self, places: Mapping[str, LesionPlaceFacts]) -> None:
        """Where drawn and changed lesions lie, by the digest of their voxels: what the worker says, which may come late."""
        if self._work is None or not places:
            return
        self._work.places.take(places)
        if self.view.rows_final:
            self._refresh()

    def point_at(self, place: Place, *, radius_mm: float) -> Pointed:
        """A click on a voxel (k, j, i): its lesion is selected; where there is none, one grows from the probability map."""
        if self._work is None:
            return "nothing"
        pointing = self._work.pointing(self.view.rows)
        row = pointing.row_at(place)
        if row is not None:
            self.select(row.number)
            return "selected"
        growth = GrownFrom(place, self._work.edits)
        edits = pointing.grown(growth, radius_mm)
        if edits.equals(self._work.edits):
            return "nothing"
        self._work.remember()
        self._show_grown(self._work, growth, edits)
        return "grown"

    def regrow(self, radius_mm: float) -> None:
        """Another radius for the lesion that grew last, while nothing was done since: it remains one step."""
        if self._work is not None and (growth := self._work.growth) is not None:
            self._show_grown(self._work, growth, self._work.pointing(self.view.rows).grown(growth, radius_mm))

    def remove_at(self, place: Place) -> bool:
        """A lesion that was clicked away: the model's is rejected, what was painted on it is gone; whether there was one."""
        if self._work is None or not self._work.remove_at(place, self._work.pointing(self.view.rows)):
            return False
        self._refresh()
        return True

    def lesion_box(self, number: int) -> tuple[tuple[int, int, int], np.ndarray] | None:
        """One lesion for blinking: the box's first voxel (k, j, i) and a boolean array; None if there is no such lesion."""
        row = self.view.row_of(number)
        if self._work is None or row is None or row.origin != "model":
            return None
        return find_box(self._work.instances.voxels_of(number), self._mask.labels.shape)

    def possible_volume_ml(self) -> float:
        """Volume of what is painted as possible lesion."""
        return self._work.possible_volume_ml() if self._work is not None else 0.0

    def _show_grown(self, work: ReviewWork, growth: GrownFrom, edits: ManualEdits) -> None:
        """Show what grew and select it, or what it grew onto; the views are there already."""
        work.growth, work.edits = growth, edits
        self._refresh()
        new = np.setdiff1d(edits.added, growth.before.added)
        place = np.unravel_index(new[0], self.labels.shape) if len(new) else growth.place
        row = work.pointing(self.view.rows).row_at(place)
        if row is not None:
            self._selected = row.anchor
            self.view = dataclasses.replace(self.view, selected=row.number)
            self._mask.changed = NO_VOXELS
            self._show(self.view)

    def _decide(self, status: Status) -> None:
        row = self.view.row_of(self.view.selected)
        if self._work is None or row is None or row.origin != "model":
            return
        if row.status == status:
            self.next()
            return
        self._work.decide(status, [row.number])
        self._refresh()
        self.next()

    def _decide_all(self, status: Status, is_meant: Callable[[LesionRow], bool]) -> int:
        rows = [row for row in self.view.rows if row.origin == "model" and row.status == "undecided" and is_meant(row)]
        if rows and self._work is not None:
            self._work.decide(status, [row.number for row in rows])
            self._refresh()
        return len(rows)

    def _go_to_last_of(self, decisions: Decisions) -> None:
        """Select the lesion that the last of these decisions is about, if this threshold shows it."""
        if decisions.made and self._work is not None:
            (numbers,) = self._work.live.numbers_at(self._work.instances, [decisions.made[-1].voxels])
            if numbers.any():
                self.select(int(np.bincount(numbers[numbers > 0]).argmax()))

    def _rows_after_selected(self) -> tuple:
        """All rows once, beginning after the selected one."""
        rows = self.view.rows
        at = next((i for i, row in enumerate(rows) if row.anchor == self._selected), -1)
        return (*rows[at + 1 :], *rows[: at + 1])

    def _refresh(self, *, final: bool = True) -> None:
        """Everything that follows from threshold, decisions and edits."""
        work = self._work
        if work is None:
            return
        table, statuses = work.update(with_axes=final)
        rows = self._sorted(table.rows)
        as_model_found = work.is_as_model_cut and "rejected" not in statuses
        self.view = ReviewView(
            threshold=work.instances.threshold,
            min_lesion_mm3=work.min_lesion_mm3,
            rows=rows,
            selected=self._selected_number(rows, work.instances),
            count=table.count,
            volume_ml=work.volume_ml(table.voxels),
            volume_interval_ml=work.material.facts.volume_interval_ml if as_model_found else None,
            undecided=sum(row.status == "undecided" and row.origin == "model" for row in rows),
            can_undo=work.history.can_undo,
            can_redo=work.history.can_redo,
            rows_final=final,
            order=self._order,
        )
        self._show(self.view)

    def _sorted(self, rows: Sequence[LesionRow]) -> tuple[LesionRow, ...]:
        return sort_rows(tuple(rows), self._order[0], descending=self._order[1])

    def _selected_number(self, rows: tuple, instances: LiveInstances) -> int:
        """The selected lesion under its number at this threshold: the one that holds the selected voxel."""
        number = instances.number_at(self._selected) if self._selected else 0
        if any(row.number == number for row in rows):
            return number
        return next((row.number for row in rows if row.anchor == self._selected), 0)
