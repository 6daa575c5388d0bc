"""Samples by their number: what training sees at a step follows from the seed and the step, from nothing else.

So a run that was killed and taken up again sees exactly the samples that the unbroken run would have seen, and it does not
matter how many worker processes make them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

import numpy as np
from torch.utils.data import Dataset, Sampler

from MSSoftSegLib.training.data.augmentation.dropout import apply_dropout, draw_dropout
from MSSoftSegLib.training.data.augmentation.intensity import apply_intensity, draw_intensity
from MSSoftSegLib.training.data.augmentation.resolution import apply_resolution, draw_resolution
from MSSoftSegLib.training.data.augmentation.spatial import Volume, apply_spatial, draw_spatial
from MSSoftSegLib.training.data.choice import CaseChoice, window_for
from MSSoftSegLib.training.data.prepared_case import PreparedCase
from MSSoftSegLib.training.data.sample import Sample, collate
from MSSoftSegLib.training.recipe import Recipe

__all__ = ["SampleStream", "StepSampler", "collate"]

BINARIZED_AT = 0.5


class SampleStream(Dataset[Sample]):
    """stream[i] is sample number i, drawn from the cases as the recipe says: a pure function of (seed, i)."""

    def __init__(
        self, cases: Sequence[PreparedCase], recipe: Recipe, *, seed: int, weights: Sequence[float] = ()
    ) -> None:
        self.cases, self.recipe, self.seed = tuple(cases), recipe, seed
        self.choice = CaseChoice(cases, recipe, weights=weights)

    def __getitem__(self, index: int) -> Sample:
        """Sample number ``index``, from 0 on, without end."""
        if index < 0:
            raise IndexError("samples are numbered from 0")
        rng = np.random.default_rng([self.seed, index])
        settings, flat = self.recipe.augmentation, self.recipe.sampling.mode == "slice"
        place = self.choice.draw(rng=rng)
        case = self.cases[place.case]
        spatial = draw_spatial(settings, rng=rng, flat=flat)
        bend_voxels = spatial.elastic_mm / case.spacing_mm
        window = window_for(place, case.shape, self.recipe.sampling, spatial, bend_voxels=bend_voxels)
        images, label, weight = apply_spatial(_volume(case), window, spatial)
        if flat:
            images, label, weight = images[:, 0], label[:, 0], weight[:, 0]
        draws = {"index": index, "place": asdict(place), "window": asdict(window), "spatial": asdict(spatial)}
        return self._looks(Sample(images, label, weight, case.case, draws), case.spacing_mm, rng=rng)

    def _looks(self, sample: Sample, spacing_mm: float, *, rng: np.random.Generator) -> Sample:
        """Resolution first, then intensity: noise is as fine as the voxels. Last the label's cut, where one is asked for."""
        settings, channels = self.recipe.augmentation, len(self.recipe.data.inputs)
        axes = sample.images.ndim - 1
        resolution = draw_resolution(settings, rng=rng, channels=channels, spacing_mm=spacing_mm, axes=axes)
        intensity = draw_intensity(settings, rng=rng, channels=channels, spacing_mm=spacing_mm)
        required = [channel.required for channel in self.recipe.data.inputs]
        present = [bool(image.any()) for image in sample.images]
        dropout = draw_dropout(settings, rng=rng, required=required, present=present)
        sample = apply_dropout(apply_intensity(apply_resolution(sample, resolution), intensity), dropout)
        label = (sample.label >= BINARIZED_AT).float() if self.recipe.labels.binarize else sample.label
        draws = {"resolution": asdict(resolution), "intensity": asdict(intensity), "dropout": asdict(dropout)}
        return replace(sample, label=label.contiguous(), draws=sample.draws | draws)


class StepSampler(Sampler[list[int]]):
    """The sample numbers of each step from ``start`` up to ``stop``, for one of ``world`` processes.

    Step k has the numbers k·batch·world … (k + 1)·batch·world − 1, of which process ``rank`` takes every world-th.
    """

    def __init__(self, *, batch: int, start: int, stop: int, rank: int = 0, world: int = 1) -> None:
        self.batch, self.start, self.stop, self.rank, self.world = batch, start, stop, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        per_step = self.batch * self.world
        for step in range(self.start, self.stop):
            yield list(range(step * per_step + self.rank, (step + 1) * per_step, self.world))

    def __len__(self) -> int:
        return max(0, self.stop - self.start)


def _volume(case: PreparedCase) -> Volume:
    return Volume(case.images(), case.label(), case.brain(), case.confidence(), case.spacing_mm)
