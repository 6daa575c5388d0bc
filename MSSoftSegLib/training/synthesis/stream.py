"""Synthetic patients as an endless stream, made by processes of their own while the network trains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from MSSoftSegLib.training.synthesis.anatomy_bank import load_anatomy_bank
from MSSoftSegLib.training.synthesis.fields import Shape
from MSSoftSegLib.training.synthesis.generator import SyntheticPatient, draw_patient
from MSSoftSegLib.training.synthesis.lesion_bank import load_lesion_bank


@dataclass(frozen=True)
class StreamSettings:
    """Where the real shapes are, who is left out, how large a patient and her crops are, and the seed of it all."""

    data: Path
    without: tuple[str, ...]
    patient_shape: Shape
    crop_shape: Shape | None
    crops_per_patient: int
    seed: int


class SyntheticStream(IterableDataset):
    """Yields (images, label) float16 tensors; crop_shape None yields whole patients."""

    def __init__(self, settings: StreamSettings) -> None:
        self.settings = settings

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        settings = self.settings
        worker = get_worker_info()
        torch.set_num_threads(1)
        anatomies = load_anatomy_bank(settings.data)
        lesions = load_lesion_bank(settings.data, without=settings.without)
        rng = np.random.default_rng([settings.seed, worker.id if worker else 0])
        while True:
            patient = draw_patient(anatomies, lesions, settings.patient_shape, rng=rng)
            if settings.crop_shape is None:
                yield patient.images.half(), patient.label.half()
                continue
            for number in range(settings.crops_per_patient):
                yield _crop(patient, settings.crop_shape, on_lesion=number % 2 == 0, rng=rng)


def _crop(
    patient: SyntheticPatient, shape: Shape, *, on_lesion: bool, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """A crop around a random lesion voxel, or around a random brain voxel."""
    where = patient.label[0] > 0.5 if on_lesion else patient.images[0] != 0
    points = torch.nonzero(where)
    size = np.array(patient.label.shape[1:])
    center = points[rng.integers(len(points))].numpy() if len(points) else size // 2
    start = np.clip(center - np.array(shape) // 2 + rng.integers(-16, 17, size=3), 0, size - np.array(shape))
    window = (slice(None), *(slice(int(s), int(s) + n) for s, n in zip(start, shape, strict=True)))
    return patient.images[window].half(), patient.label[window].half()
