"""Where the lesions of a review lie: untouched ones as the run said, changed and drawn ones as the worker says."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from MSSoftSegGUI.scene.review_facts import LesionPlaceFacts, ReviewFacts
from MSSoftSegLib.lesion.live.threshold import LiveInstances
from MSSoftSegLib.lesion.live.voxel_set import compute_voxel_digest


class LesionPlaces:
    """Places by the digest of a lesion's voxels: one that was painted on is another lesion, and the old one again when undone."""

    def __init__(self, facts: ReviewFacts, original: LiveInstances) -> None:
        """original: the lesions at the model's threshold, of which facts say where they lie."""
        own = list_voxels_by_lesion(original.flat, original.number, original.count)
        self._known = {
            compute_voxel_digest(voxels): facts.place_of(number) for number, voxels in enumerate(own, start=1)
        }

    def take(self, places: Mapping[str, LesionPlaceFacts]) -> None:
        """What the worker has said."""
        self._known |= places

    def get(self, voxels: str) -> LesionPlaceFacts | None:
        """The place of the lesion with these voxels, None where nobody has said it yet."""
        return self._known.get(voxels)


def list_voxels_by_lesion(flat: np.ndarray, number: np.ndarray, count: int) -> Sequence[np.ndarray]:
    """Of each lesion 1…count its flat indices, sorted; number: of each voxel its lesion."""
    order = np.lexsort((flat, number))
    bounds = np.searchsorted(number[order], np.arange(1, count + 2))
    return [flat[order[first:last]] for first, last in itertools.pairwise(bounds.tolist())]
