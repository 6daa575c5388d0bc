"""The label array that the scene shows, changed in place: thresholded lesions less the rejected ones, with the edits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from MSSoftSegGUI.review.decisions import Status
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.lesion.live.manual_edits import ManualEdits
from MSSoftSegLib.lesion.live.threshold import LiveInstances
from MSSoftSegLib.lesion.live.voxel_set import NO_VOXELS

Box = tuple[slice, slice, slice]
ALL_26 = np.ones((3, 3, 3), bool)


@dataclass(frozen=True, eq=False)
class EditedLesions:
    """The lesions of the mask as it is, 1…count. flat: all their voxels, sorted; number: of each voxel its lesion.

    drawn: the numbers of those that were painted apart from every lesion of the model.
    """

    count: int
    flat: np.ndarray
    number: np.ndarray
    drawn: frozenset[int]

    def numbers_of(self, instances: LiveInstances) -> np.ndarray:
        """For each lesion of the model the one that holds most of what is left of it, 0 where nothing is."""
        if not len(self.flat):
            return np.zeros(instances.count, np.int64)
        place = np.minimum(np.searchsorted(self.flat, instances.flat), len(self.flat) - 1)
        now = np.where(self.flat[place] == instances.flat, self.number[place], 0)
        width = self.count + 1
        pairs = instances.number * width + now
        shared = np.bincount(pairs, minlength=(instances.count + 1) * width).reshape(-1, width)
        shared[:, 0] = 0
        return np.asarray(shared[1:].argmax(axis=1))


class ReviewMask:
    """labels: uint8 (z, y, x), 1 = MS lesion, 2 = possible MS lesion. changed: flat indices that the last update changed."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.labels = np.zeros(shape, np.uint8)
        self.changed = NO_VOXELS
        self._shown = np.zeros(0, np.int64)
        self._automatic = np.zeros(0, np.int64)

    def update(self, instances: LiveInstances, statuses: tuple[Status, ...], edits: ManualEdits) -> None:
        """Show these lesions."""
        kept = np.array([False, *(status != "rejected" for status in statuses)])
        self._automatic = instances.flat[kept[instances.number]]
        flat = self.labels.reshape(-1)
        touched = np.concatenate([self._shown, self._automatic, edits.added, edits.possible])
        before = flat[touched]
        flat[self._shown] = 0
        flat[self._automatic] = LESION
        edits.apply(self.labels)
        self._shown = np.concatenate([self._automatic, edits.added, edits.possible])
        self.changed = touched[flat[touched] != before]

    def automatic(self) -> np.ndarray:
        """The thresholded lesions less the rejected ones, before edits; boolean (z, y, x)."""
        mask = np.zeros(self.labels.size, bool)
        mask[self._automatic] = True
        return mask.reshape(self.labels.shape)

    def counted(self) -> EditedLesions:
        """The lesions as they are after editing.

        Counted in the edited mask: a stroke may join two lesions, an eraser may part one.
        """
        shown = np.unique(self._shown[self.labels.reshape(-1)[self._shown] == LESION])
        box = _box_of(shown, self.labels.shape)
        if box is None:
            return EditedLesions(0, shown, shown, frozenset())
        label, count = ndimage.label(self.labels[box] == LESION, ALL_26)
        corner = [part.start for part in box]

        def local(flat: np.ndarray) -> tuple[np.ndarray, ...]:
            place = np.unravel_index(flat, self.labels.shape)
            return tuple(axis - start for axis, start in zip(place, corner, strict=True))

        automatic = self._automatic[self.labels.reshape(-1)[self._automatic] == LESION]
        drawn = set(range(1, count + 1)) - set(np.unique(label[local(automatic)]).tolist())
        return EditedLesions(count, shown, label[local(shown)].astype(np.int64), frozenset(drawn))


def find_box(flat: np.ndarray, shape: tuple[int, ...]) -> tuple[tuple[int, int, int], np.ndarray]:
    """Voxels as the first voxel (k, j, i) of the smallest box around them and a boolean array of that box."""
    place = np.unravel_index(flat, shape)
    first = tuple(int(axis.min()) for axis in place)
    box = np.zeros([int(axis.max()) - low + 1 for axis, low in zip(place, first, strict=True)], bool)
    box[tuple(axis - low for axis, low in zip(place, first, strict=True))] = True
    return first, box  # type: ignore[return-value]


def _box_of(flat: np.ndarray, shape: tuple[int, ...]) -> Box | None:
    """The smallest box (z, y, x) around voxels; None around none."""
    if not len(flat):
        return None
    return tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in np.unravel_index(flat, shape))  # type: ignore[return-value]
