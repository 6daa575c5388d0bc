"""One training sample, and several as a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Sample:
    """What the network is shown and what it should answer.

    images: (c, z, y, x), for slices (c, y, x), normalised, exactly 0 outside the brain. label: (1, …) soft label, 0–1.
    weight: (1, …) of each voxel in the loss: 0 outside the brain, confidence ω on pseudo-labels, else 1. All float32.
    draws: every parameter that was drawn, so that the sample can be told and made again. A batch has a leading axis.
    """

    images: Tensor
    label: Tensor
    weight: Tensor
    case: str
    draws: dict[str, Any]

    def to(self, *arguments: Any, **settings: Any) -> Sample:
        """The sample on another device, as ``Tensor.to`` takes it."""
        moved = {name: getattr(self, name).to(*arguments, **settings) for name in ("images", "label", "weight")}
        return replace(self, **moved)

    def pin_memory(self) -> Sample:
        """The sample in page-locked memory; data loaders call this."""
        pinned = {name: getattr(self, name).pin_memory() for name in ("images", "label", "weight")}
        return replace(self, **pinned)


def collate(samples: Sequence[Sample]) -> Sample:
    """A batch: tensors stacked, cases joined by ", ", draws under "samples".

    Whole brains of different sizes are padded at their ends with zeros, which weigh nothing.
    """
    shape = torch.tensor([sample.label.shape[1:] for sample in samples]).amax(dim=0).tolist()

    def stacked(name: str) -> Tensor:
        return torch.stack([_padded(getattr(sample, name), shape) for sample in samples])

    return Sample(
        images=stacked("images"),
        label=stacked("label"),
        weight=stacked("weight"),
        case=", ".join(sample.case for sample in samples),
        draws={"samples": [sample.draws for sample in samples]},
    )


def _padded(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    missing = [wanted - side for wanted, side in zip(shape, tensor.shape[1:], strict=True)]
    if not any(missing):
        return tensor
    return functional.pad(tensor, [part for count in reversed(missing) for part in (0, count)])
