"""What the reader decided about lesions, kept so that it survives a move of the threshold.

A decision holds the voxels of the lesion as it was and the threshold at which it was made. Parts of that lesion (a higher
threshold) inherit it. A lesion that contains it (a lower threshold) keeps it as long as decided voxels make up more than
half of what the lesion holds above the threshold of the decision: growth keeps a decision, a merger with a larger
undecided lesion does not, so that rejecting a speck never hides a lesion. Where decisions disagree the lesion is
undecided, and stays in the mask.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import numpy as np

from MSSoftSegLib.lesion.live import voxel_set
from MSSoftSegLib.lesion.live.threshold import LiveInstances, LiveThreshold

Status = Literal["undecided", "accepted", "rejected"]
DECIDED = ("accepted", "rejected")
SHARE_NEEDED = 0.5
FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class Decision:
    """One lesion, as it was at the threshold. voxels: sorted flat indices."""

    status: Status
    threshold: float
    voxels: np.ndarray


@dataclass(frozen=True, eq=False)
class Decisions:
    """All decisions on one result; no voxel is in two of them. Unchangeable: undoing goes back to an older one."""

    made: tuple[Decision, ...] = ()

    def with_decision(self, status: Status, threshold: float, voxels: np.ndarray) -> Decisions:
        """This decision added; older ones lose the voxels that it speaks of. Undecided takes older ones away."""
        left = (Decision(d.status, d.threshold, voxel_set.remove_indices(d.voxels, voxels)) for d in self.made)
        kept = tuple(decision for decision in left if len(decision.voxels))
        return Decisions((*kept, Decision(status, threshold, voxels)) if status != "undecided" else kept)

    def history(self) -> list[Decisions]:
        """What there was before each of these decisions, the first one first: undoing goes on in a scene that was opened."""
        return [Decisions(self.made[:count]) for count in range(len(self.made))]

    def statuses(self, instances: LiveInstances, live: LiveThreshold) -> tuple[Status, ...]:
        """The status of every lesion 1…count."""
        count = instances.count
        if not self.made or not count:
            return ("undecided",) * count
        share = {status: np.zeros(count + 1) for status in DECIDED}
        above: dict[float, np.ndarray] = {}
        numbers = live.numbers_at(instances, [decision.voxels for decision in self.made])
        for decision, number in zip(self.made, numbers, strict=True):
            if decision.threshold not in above:
                first = instances.number[: live.above(decision.threshold)]
                above[decision.threshold] = np.bincount(first, minlength=count + 1)
            overlap = np.bincount(number, minlength=count + 1)
            share[decision.status] += overlap / np.maximum(above[decision.threshold], 1)
        return tuple(_status(share["accepted"][n], share["rejected"][n]) for n in range(1, count + 1))

    def to_json(self, shape: tuple[int, int, int]) -> str:
        """As text for the parameter node; shape (z, y, x) of the image."""
        made = [
            {"status": d.status, "threshold": d.threshold, "voxels": voxel_set.encode_indices(d.voxels)}
            for d in self.made
        ]
        return json.dumps({"version": FORMAT_VERSION, "shape": list(shape), "decisions": made})

    @classmethod
    def from_json(cls, text: str, shape: tuple[int, int, int]) -> Decisions:
        """Read again; ValueError where the text is damaged or belongs to an image of another shape. "" = none made."""
        if not text:
            return cls()
        try:
            document = json.loads(text)
            if document["version"] != FORMAT_VERSION or document["shape"] != list(shape):
                raise ValueError("the decisions belong to another image or version")
            made = [(d["status"], float(d["threshold"]), d["voxels"]) for d in document["decisions"]]
        except (KeyError, TypeError) as problem:
            raise ValueError(f"the decisions cannot be read: {problem}") from None
        if any(status not in DECIDED for status, _, _ in made):
            raise ValueError("a decision is neither accepted nor rejected")
        size = int(np.prod(shape))
        return cls(tuple(Decision(s, t, voxel_set.decode_indices(voxels, size=size)) for s, t, voxels in made))


def _status(accepted: float, rejected: float) -> Status:
    if (accepted > SHARE_NEEDED) == (rejected > SHARE_NEEDED):
        return "undecided"
    return "accepted" if accepted > SHARE_NEEDED else "rejected"
