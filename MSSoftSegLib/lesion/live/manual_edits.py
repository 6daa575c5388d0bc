"""What was painted and erased by hand, kept apart from the thresholded mask so that both can change."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np

from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.lesion.live import voxel_set
from MSSoftSegLib.lesion.live.voxel_set import NO_VOXELS

NAMES = ("added", "erased", "possible")


@dataclass(frozen=True, eq=False)
class ManualEdits:
    """Sorted flat indices: painted as lesion, erased from lesions, painted as possible lesion."""

    added: np.ndarray = field(default_factory=lambda: NO_VOXELS)
    erased: np.ndarray = field(default_factory=lambda: NO_VOXELS)
    possible: np.ndarray = field(default_factory=lambda: NO_VOXELS)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was edited."""
        return not (len(self.added) or len(self.erased) or len(self.possible))

    def equals(self, other: ManualEdits) -> bool:
        """Whether these are the same voxels, each painted or erased alike."""
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in NAMES)

    def with_lesion(self, voxels: np.ndarray) -> ManualEdits:
        """These voxels (sorted flat indices) painted as lesion as well, whatever was painted or erased there before."""
        kept = {name: voxel_set.remove_indices(getattr(self, name), voxels) for name in ("erased", "possible")}
        return ManualEdits(added=voxel_set.join_indices(self.added, voxels), **kept)

    def without_paint(self, voxels: np.ndarray) -> ManualEdits:
        """Nothing painted at these voxels (sorted flat indices), neither lesion nor possible lesion."""
        kept = {name: voxel_set.remove_indices(getattr(self, name), voxels) for name in ("added", "possible")}
        return ManualEdits(erased=self.erased, **kept)

    def apply(self, labels: np.ndarray) -> None:
        """Put the edits into a contiguous label array in place: 1 = lesion wins over 2 = possible lesion."""
        flat = labels.reshape(-1)
        flat[self.erased] = 0
        flat[self.added] = LESION
        flat[self.possible[flat[self.possible] == 0]] = POSSIBLE_LESION

    def updated(self, automatic: np.ndarray, lesion: np.ndarray, possible: np.ndarray) -> ManualEdits:
        """The edits after the user turned the automatic mask (with earlier edits in it) into these two masks (boolean).

        Earlier edits that do not show at this threshold stay as they are.
        """
        auto, lesion = automatic.ravel(), lesion.ravel()
        added_before = self.added[lesion[self.added] & auto[self.added]]
        erased_before = self.erased[~lesion[self.erased] & ~auto[self.erased]]
        return ManualEdits(
            added=voxel_set.join_indices(np.flatnonzero(lesion & ~auto), added_before),
            erased=voxel_set.join_indices(np.flatnonzero(auto & ~lesion), erased_before),
            possible=np.flatnonzero(possible.ravel() & ~lesion),
        )

    def to_json(self, shape: tuple[int, int, int]) -> str:
        """As text for the parameter node."""
        sets = {name: voxel_set.encode_indices(getattr(self, name)) for name in NAMES}
        return json.dumps({"version": 1, "shape": list(shape), **sets})

    @classmethod
    def from_json(cls, text: str, shape: tuple[int, int, int]) -> ManualEdits:
        """Read again; ValueError where the text is damaged or belongs to another image. "" = none."""
        if not text:
            return cls()
        try:
            document = json.loads(text)
            if document["version"] != 1 or document["shape"] != list(shape):
                raise ValueError("the edits belong to another image or version")
            texts = {name: document[name] for name in NAMES}
        except (KeyError, TypeError, RecursionError) as problem:
            raise ValueError(f"the edits cannot be read: {problem}") from None
        size = int(np.prod(shape))
        return cls(**{name: voxel_set.decode_indices(text, size=size) for name, text in texts.items()})
