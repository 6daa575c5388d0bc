"""A reader's work on one result: threshold, decisions and edits with one undo, and the mask that follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from MSSoftSegGUI.review.decisions import Decisions, Status
from MSSoftSegGUI.review.history import ReviewHistory, ReviewState
from MSSoftSegGUI.review.lesion_rows import LesionRow
from MSSoftSegGUI.review.mask import ReviewMask
from MSSoftSegGUI.review.material import ReviewMaterial
from MSSoftSegGUI.review.places import LesionPlaces
from MSSoftSegGUI.review.pointing import GrownFrom, Pointing
from MSSoftSegGUI.review.row_making import LesionTable, make_table
from MSSoftSegLib.exam.label_values import POSSIBLE_LESION
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.lesion.live.growth import Place, find_connected_part
from MSSoftSegLib.lesion.live.manual_edits import ManualEdits
from MSSoftSegLib.lesion.live.threshold import HIGHEST_THRESHOLD, LiveThreshold


class ReviewWork:
    """What was decided and painted, and what can be taken back. What is selected, and in which order, is the presenter's."""

    def __init__(
        self,
        material: ReviewMaterial,
        live: LiveThreshold,
        *,
        threshold: float | None,
        min_lesion_mm3: float | None,
        decisions: Decisions,
        edits: ManualEdits,
    ) -> None:
        """threshold, min_lesion_mm3: where an earlier session left them, None = the model's."""
        facts = material.facts
        self.material, self.live, self.decisions, self.edits = material, live, decisions, edits
        self._original = live.at(facts.model_threshold)
        self._lsu = facts.lsu_of(self._original.count)
        self.mask = ReviewMask(material.probability.shape)
        self.instances, self.min_lesion_mm3 = self._original, facts.min_lesion_mm3
        self.growth: GrownFrom | None = None
        self.places = LesionPlaces(facts, self._original)
        # Threshold and smallest lesion where the slider was let go.
        self.settled = (
            self._allowed(facts.model_threshold if threshold is None else threshold),
            facts.min_lesion_mm3 if min_lesion_mm3 is None else min_lesion_mm3,
        )
        # Undoing goes on in a scene that was opened.
        self.history = ReviewHistory(tuple(ReviewState(*self.settled, each, edits) for each in decisions.history()))
        self.take_cut(self.settled, final=True)

    @property
    def highest_threshold(self) -> float:
        """The slider's upper end."""
        return max(HIGHEST_THRESHOLD, self.material.facts.model_threshold)

    @property
    def is_as_model_cut(self) -> bool:
        """Whether threshold and smallest lesion are the model's, and nothing is painted."""
        facts = self.material.facts
        own = (facts.model_threshold, facts.min_lesion_mm3)
        return (self.instances.threshold, self.min_lesion_mm3) == own and self.edits.is_empty

    def cut(self, threshold: float | None, min_lesion_mm3: float | None) -> tuple[float, float]:
        """Threshold and smallest lesion, None = as it is shown now."""
        smallest = self.min_lesion_mm3 if min_lesion_mm3 is None else min_lesion_mm3
        return self._allowed(self.instances.threshold if threshold is None else threshold), smallest

    def take_cut(self, wanted: tuple[float, float], *, final: bool) -> bool:
        """The lesions of this threshold and smallest lesion; whether the slider is let go, or is back where it was."""
        if wanted != (self.instances.threshold, self.min_lesion_mm3):
            self.instances = self.live.at(wanted[0], min_lesion_mm3=wanted[1])
            self.min_lesion_mm3 = wanted[1]
        final = final or wanted == self.settled  # a slider let go where it was taken up does not tell of it
        self.settled = wanted if final else self.settled
        return final

    def remember(self) -> None:
        """A step begins; what was grown before is finished."""
        self.growth = None
        self.history.remember(self._state())

    def undo(self) -> bool:
        """Make all of it as it was before the last step; whether there was one."""
        return self._restore(self.history.undo(self._state()))

    def redo(self) -> bool:
        """Make the step again that was taken back last; whether there was one."""
        return self._restore(self.history.redo(self._state()))

    def decide(self, status: Status, numbers: Iterable[int]) -> None:
        """Of these lesions of the model, as one step."""
        self.remember()
        for number in numbers:
            voxels = self.instances.voxels_of(number)
            self.decisions = self.decisions.with_decision(status, self.instances.threshold, voxels)

    def take_edits(self, lesion: np.ndarray, possible: np.ndarray) -> None:
        """The two segments as the user painted them, boolean (k, j, i)."""
        shape = self.mask.labels.shape
        if lesion.shape != shape or possible.shape != shape:
            raise ValueError(f"segments of shape {lesion.shape} and {possible.shape} do not fit a result of {shape}")
        edits = self.edits.updated(self.mask.automatic(), lesion != 0, possible != 0)
        if not edits.equals(self.edits):
            self.remember()
            self.edits = edits

    def pointing(self, rows: Sequence[LesionRow]) -> Pointing:
        """What a finger points at among the rows that are shown."""
        return Pointing(self.mask.labels, self.instances, self.live, tuple(rows), self.material)

    def remove_at(self, place: Place, pointing: Pointing) -> bool:
        """The lesion at a voxel (k, j, i): the model's is rejected, what was painted on it is gone; whether there was one."""
        part, row = find_connected_part(self.mask.labels, place), pointing.model_row_at(place)
        if row is not None and row.status != "rejected":
            self.decide("rejected", [row.number])
            if pointing.is_only_lesion_of(part, row):
                self.edits = self.edits.without_paint(part)
        elif len(part):
            self.remember()
            self.edits = self.edits.without_paint(part)
        else:
            return False
        return True

    def update(self, *, with_axes: bool) -> tuple[LesionTable, tuple[Status, ...]]:
        """Mask and table from threshold, decisions and edits; the status of each lesion of the model."""
        statuses = self.decisions.statuses(self.instances, self.live)
        self.mask.update(self.instances, statuses, self.edits)
        table = make_table(
            self.instances,
            statuses,
            self._original,
            self._lsu,
            self.material,
            self.mask.labels,
            edited=None if self.edits.is_empty else self.mask.counted(),
            with_axes=with_axes,
            known=self.places,
        )
        return table, statuses

    def volume_ml(self, voxels: int) -> float:
        """Of so many voxels."""
        return voxels * self.material.voxel_volume_mm3 / MM3_PER_ML

    def possible_volume_ml(self) -> float:
        """Volume of what is painted as possible lesion."""
        return self.volume_ml(int((self.mask.labels.reshape(-1)[self.edits.possible] == POSSIBLE_LESION).sum()))

    def _allowed(self, threshold: float) -> float:
        return min(max(float(threshold), self.live.lowest), self.highest_threshold)

    def _state(self) -> ReviewState:
        """The reader's work as it is; of a slider that is held, where it was taken hold of."""
        return ReviewState(*self.settled, self.decisions, self.edits)

    def _restore(self, state: ReviewState | None) -> bool:
        if state is None:
            return False
        self.growth = None
        self.decisions, self.edits = state.decisions, state.edits
        self.take_cut((self._allowed(state.threshold), state.min_lesion_mm3), final=True)
        return True
