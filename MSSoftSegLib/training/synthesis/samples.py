"""Synthetic patients as training samples by their number: the engine's stream where no hospital's case is at hand.

A patient gives several samples in a row, because drawing her costs more than cutting them out. Sample i is a pure function of
(seed, i): a worker that meets a patient for the first time draws her again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from MSSoftSegLib.training.data.sample import Sample
from MSSoftSegLib.training.recipe import SamplingSettings
from MSSoftSegLib.training.synthesis.anatomy_bank import load_anatomy_bank
from MSSoftSegLib.training.synthesis.fields import Shape
from MSSoftSegLib.training.synthesis.generator import SyntheticPatient, draw_patient
from MSSoftSegLib.training.synthesis.lesion_bank import load_lesion_bank

# Keeps the draws of patients apart from those of their samples.
PATIENT, SAMPLE = 1, 2
JITTER_VOXELS = 16


@dataclass(frozen=True)
class SyntheticSource:
    """data: the folder with ``lesion_masks`` and ``tissues``; without: patients whose masks must not be seen.

    shape: of a patient (z, y, x), at 1 mm. per_patient: samples in a row from each.
    """

    data: Path
    without: tuple[str, ...] = ()
    shape: Shape = (144, 176, 144)
    per_patient: int = 10


class SyntheticSamples(Dataset[Sample]):
    """samples[i] is sample number i, as the recipe's sampling says (patches, or whole brains)."""

    def __init__(self, source: SyntheticSource, sampling: SamplingSettings, *, seed: int) -> None:
        self.source, self.sampling, self.seed = source, sampling, seed
        self.anatomies = load_anatomy_bank(source.data)
        self.lesions = load_lesion_bank(source.data, without=source.without)
        self._last: tuple[int, SyntheticPatient] | None = None

    def __getitem__(self, index: int) -> Sample:
        """Sample number ``index``, from 0 on, without end."""
        if index < 0:
            raise IndexError("samples are numbered from 0")
        per_patient = 1 if self.sampling.mode == "whole" else self.source.per_patient
        number = index // per_patient
        patient = self.patient(number)
        images, label = patient.images, patient.label
        if self.sampling.mode != "whole":
            rng = np.random.default_rng([self.seed, SAMPLE, index])
            images, label = self._cut(patient, rng)
        weight = (images != 0).any(dim=0, keepdim=True).float()
        draws = {"index": index, "place": {"case": -1}, "patient": number, "parameters": patient.draws}
        return Sample(images.contiguous(), label.contiguous(), weight, f"synthetic-{number}", draws)

    def patient(self, number: int) -> SyntheticPatient:
        """Patient ``number`` of this seed."""
        if self._last is None or self._last[0] != number:
            rng = np.random.default_rng([self.seed, PATIENT, number])
            self._last = number, draw_patient(self.anatomies, self.lesions, self.source.shape, rng=rng)
        return self._last[1]

    def _cut(self, patient: SyntheticPatient, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """A patch around a random lesion voxel (with the chance lesion_share), else around a random brain voxel."""
        on_lesion = rng.random() < self.sampling.lesion_share
        points = torch.nonzero(patient.label[0] > 0.5 if on_lesion else patient.images[0] != 0)
        size, patch = np.array(patient.label.shape[1:]), np.array(self.sampling.size)
        middle = points[rng.integers(len(points))].numpy() if len(points) else size // 2
        jitter = rng.integers(-JITTER_VOXELS, JITTER_VOXELS + 1, size=3)
        start = np.clip(middle - patch // 2 + jitter, 0, size - patch)
        window = (slice(None), *(slice(int(s), int(s + n)) for s, n in zip(start, patch, strict=True)))
        return patient.images[window], patient.label[window]
