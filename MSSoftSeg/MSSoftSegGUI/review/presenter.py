"""The review of one result: threshold, lesion table, decisions with undo, edits, and the mask that follows from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from MSSoftSegGUI.review.columns import sort_rows
from MSSoftSegGUI.review.decisions import Decisions, Status
from MSSoftSegGUI.review.history import ReviewHistory, ReviewState
from MSSoftSegGUI.review.lesion_rows import LesionRow
from MSSoftSegGUI.review.mask import ReviewMask, find_box
from MSSoftSegGUI.review.material import ReviewMaterial, prepare
from MSSoftSegGUI.review.pointing import GrownFrom, Pointing
from MSSoftSegGUI.review.row_making import make_table
from MSSoftSegGUI.review.view import ReviewView
from MSSoftSegLib.exam.label_values import POSSIBLE_LESION
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.lesion.live.growth import Place, find_connected_part
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
        self._material: ReviewMaterial | None = None
        self._live: LiveThreshold | None = None
        self._mask = ReviewMask((0, 0, 0))
        self._decisions, self._edits = Decisions(), ManualEdits()
        self._history = ReviewHistory()
        self._min_lesion_mm3 = 0.0
        self._settled = (0.5, 0.0)
        self._growth: GrownFrom | None = None
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
        facts, shape = material.facts, material.probability.shape
        decisions = Decisions.from_json(decisions_json, shape)
        edits = ManualEdits.from_json(edits_json, shape)
        self.close()
        live = live or (yield from prepare(material))
        yield
        self._material, self._live, self._decisions, self._edits = material, live, decisions, edits
        self._original = live.at(facts.model_threshold)
        self._lsu = facts.lsu_of(self._original.count)
        self._mask = ReviewMask(shape)
        self._instances, self._min_lesion_mm3 = self._original, facts.min_lesion_mm3
        smallest = facts.min_lesion_mm3 if min_lesion_mm3 is None else min_lesion_mm3
        threshold = self._allowed(facts.model_threshold if threshold is None else threshold)
        # Undoing goes on in a scene that was opened.
        before = (ReviewState(threshold, smallest, each, edits) for each in decisions.history())
        self._history = ReviewHistory(tuple(before))
        self._show_threshold(threshold, smallest, final=True)

    @property
    def is_open(self) -> bool:
        """Whether a result is under review."""
        return self._material is not None

    @property
    def lowest_threshold(self) -> float:
        """The slider's lower end for this result."""
        return self._live.lowest if self._live is not None else 0.05

    @property
    def highest_threshold(self) -> float:
        """The slider's upper end."""
        return max(HIGHEST_THRESHOLD, self._material.facts.model_threshold if self._material else 0.0)

    @property
    def ras_from_ijk(self) -> np.ndarray:
        """The 4×4 matrix by which this review says places, mm."""
        return self._material.ras_from_ijk if self._material is not None else np.eye(4)

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
        return self._decisions.to_json(self._mask.labels.shape) if self._decisions.made else ""

    @property
    def edits_json(self) -> str:
        """What was painted and erased, for the parameter node; "" while nothing is."""
        return "" if self._edits.is_empty else self._edits.to_json(self._mask.labels.shape)

    def set_threshold(self, threshold: float | None = None, *, min_lesion_mm3: float | None = None) -> None:
        """The slider of the threshold, or of the smallest lesion, moves; None stays."""
        self._show_threshold(*self._cut(threshold, min_lesion_mm3), final=False)

    def release_threshold(self, threshold: float | None = None, *, min_lesion_mm3: float | None = None) -> None:
        """The slider is let go."""
        cut = self._cut(threshold, min_lesion_mm3)
        if self._live is not None and cut != self._settled:
            self._remember()
        self._show_threshold(*cut, final=True)

    def release_as_model(self) -> None:
        """Back to the threshold and the smallest lesion of the model, as one step."""
        if (facts := self._material.facts if self._material is not None else None) is not None:
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
        undone = self._decisions
        if self._restore(self._history.undo(self._state())) and undone is not self._decisions:
            self._go_to_last_of(undone)

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._restore(self._history.redo(self._state()))

    def take_edits(self, lesion: np.ndarray, possible: np.ndarray) -> None:
        """The user painted: the two segments as they are now, boolean (k, j, i) like ``labels``."""
        if self._material is None:
            return
        shape = self._mask.labels.shape
        if lesion.shape != shape or possible.shape != shape:
            raise ValueError(f"segments of shape {lesion.shape} and {possible.shape} do not fit a result of {shape}")
        edits = self._edits.updated(self._mask.automatic(), lesion != 0, possible != 0)
        if not edits.equals(self._edits):
            self._remember()
            self._edits = edits
        self._refresh()

    def point_at(self, place: Place, *, radius_mm: float) -> Pointed:
        """A click on a voxel (k, j, i): its lesion is selected; where there is none, one grows from the probability map."""
        pointing = self._pointing()
        if pointing is None:
            return "nothing"
        row = pointing.row_at(place)
        if row is not None:
            self.select(row.number)
            return "selected"
        growth = GrownFrom(place, self._edits)
        edits = pointing.grown(growth, radius_mm)
        if edits.equals(self._edits):
            return "nothing"
        self._remember()
        self._growth = growth
        self._show_grown(edits)
        return "grown"

    def regrow(self, radius_mm: float) -> None:
        """Another radius for the lesion that grew last, while nothing was done since: it remains one step."""
        pointing = self._pointing()
        if self._growth is not None and pointing is not None:
            self._show_grown(pointing.grown(self._growth, radius_mm))

    def remove_at(self, place: Place) -> bool:
        """A lesion that was clicked away: the model's is rejected, what was painted on it is gone; whether there was one."""
        pointing = self._pointing()
        if pointing is None:
            return False
        part, row = find_connected_part(self.labels, place), pointing.model_row_at(place)
        if row is not None and row.status != "rejected":
            self._remember()
            voxels = self._instances.voxels_of(row.number)
            self._decisions = self._decisions.with_decision("rejected", self._instances.threshold, voxels)
            if pointing.is_only_lesion_of(part, row):
                self._edits = self._edits.without_paint(part)
        elif len(part):
            self._remember()
            self._edits = self._edits.without_paint(part)
        else:
            return False
        self._refresh()
        return True

    def lesion_box(self, number: int) -> tuple[tuple[int, int, int], np.ndarray] | None:
        """One lesion for blinking: the box's first voxel (k, j, i) and a boolean array; None if there is no such lesion."""
        row = self.view.row_of(number)
        if row is None or row.origin != "model":
            return None
        return find_box(self._instances.voxels_of(number), self._mask.labels.shape)

    def possible_volume_ml(self) -> float:
        """Volume of what is painted as possible lesion."""
        voxels = int((self.labels.reshape(-1)[self._edits.possible] == POSSIBLE_LESION).sum())
        return voxels * self._material.voxel_volume_mm3 / MM3_PER_ML if self._material is not None else 0.0

    def _pointing(self) -> Pointing | None:
        if self._material is None or self._live is None:
            return None
        return Pointing(self.labels, self._instances, self._live, self.view.rows, self._material)

    def _show_grown(self, edits: ManualEdits) -> None:
        """Show what grew and select it, or what it grew onto; the views are there already."""
        growth, self._edits = self._growth, edits
        self._refresh()
        new = np.setdiff1d(edits.added, growth.before.added)
        place = np.unravel_index(new[0], self.labels.shape) if len(new) else growth.place
        row = self._pointing().row_at(place)
        if row is not None:
            self._selected = row.anchor
            self.view = dataclasses.replace(self.view, selected=row.number)
            self._mask.changed = NO_VOXELS
            self._show(self.view)

    def _allowed(self, threshold: float) -> float:
        return min(max(float(threshold), self.lowest_threshold), self.highest_threshold)

    def _cut(self, threshold: float | None, min_lesion_mm3: float | None) -> tuple[float, float]:
        """Threshold and smallest lesion, one of them as it is shown now."""
        now = self._instances.threshold if self._live is not None else self._settled[0]
        smallest = self._min_lesion_mm3 if min_lesion_mm3 is None else min_lesion_mm3
        return self._allowed(now if threshold is None else threshold), smallest

    def _show_threshold(self, threshold: float, min_lesion_mm3: float, *, final: bool) -> None:
        if self._live is None:
            return
        wanted = (self._allowed(threshold), min_lesion_mm3)
        if wanted != (self._instances.threshold, self._min_lesion_mm3):
            self._instances = self._live.at(wanted[0], min_lesion_mm3=min_lesion_mm3)
            self._min_lesion_mm3 = min_lesion_mm3
        final = final or wanted == self._settled  # a slider let go where it was taken up does not tell of it
        self._settled = wanted if final else self._settled
        self._refresh(final=final)

    def _remember(self) -> None:
        """A step begins; what was grown before is finished."""
        self._growth = None
        self._history.remember(self._state())

    def _state(self) -> ReviewState:
        """The reader's work as it is; of a slider that is held, where it was taken hold of."""
        return ReviewState(*self._settled, self._decisions, self._edits)

    def _restore(self, state: ReviewState | None) -> bool:
        """Make all of it as it was; whether there was anything."""
        if state is None or self._live is None:
            return False
        self._growth = None
        self._decisions, self._edits = state.decisions, state.edits
        self._show_threshold(state.threshold, state.min_lesion_mm3, final=True)
        return True

    def _decide(self, status: Status) -> None:
        row = self.view.row_of(self.view.selected)
        if row is None or row.origin != "model":
            return
        if row.status == status:
            self.next()
            return
        voxels = self._instances.voxels_of(row.number)
        self._remember()
        self._decisions = self._decisions.with_decision(status, self._instances.threshold, voxels)
        self._refresh()
        self.next()

    def _decide_all(self, status: Status, is_meant: Callable[[LesionRow], bool]) -> int:
        rows = [row for row in self.view.rows if row.origin == "model" and row.status == "undecided" and is_meant(row)]
        if rows:
            self._remember()
            for row in rows:
                voxels = self._instances.voxels_of(row.number)
                self._decisions = self._decisions.with_decision(status, self._instances.threshold, voxels)
            self._refresh()
        return len(rows)

    def _go_to_last_of(self, decisions: Decisions) -> None:
        """Select the lesion that the last of these decisions is about, if this threshold shows it."""
        if decisions.made and self._live is not None:
            (numbers,) = self._live.numbers_at(self._instances, [decisions.made[-1].voxels])
            if numbers.any():
                self.select(int(np.bincount(numbers[numbers > 0]).argmax()))

    def _rows_after_selected(self) -> tuple:
        """All rows once, beginning after the selected one."""
        rows = self.view.rows
        at = next((i for i, row in enumerate(rows) if row.anchor == self._selected), -1)
        return (*rows[at + 1 :], *rows[: at + 1])

    def _refresh(self, *, final: bool = True) -> None:
        """Everything that follows from threshold, decisions and edits."""
        if self._material is None or self._live is None:
            return
        instances, facts = self._instances, self._material.facts
        statuses = self._decisions.statuses(instances, self._live)
        self._mask.update(instances, statuses, self._edits)
        edited = None if self._edits.is_empty else self._mask.counted()
        table = make_table(
            instances, statuses, self._original, self._lsu, self._material, self.labels, edited=edited, with_axes=final
        )
        rows = self._sorted(table.rows)
        own = (facts.model_threshold, facts.min_lesion_mm3)
        original = (instances.threshold, self._min_lesion_mm3) == own and self._edits.is_empty
        self.view = ReviewView(
            threshold=instances.threshold,
            min_lesion_mm3=self._min_lesion_mm3,
            rows=rows,
            selected=self._selected_number(rows, instances),
            count=table.count,
            volume_ml=table.voxels * self._material.voxel_volume_mm3 / MM3_PER_ML,
            volume_interval_ml=facts.volume_interval_ml if original and "rejected" not in statuses else None,
            undecided=sum(row.status == "undecided" and row.origin == "model" for row in rows),
            can_undo=self._history.can_undo,
            can_redo=self._history.can_redo,
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
