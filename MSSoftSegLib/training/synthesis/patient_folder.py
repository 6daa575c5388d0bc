"""Synthetic patients as files: images and soft label as the network sees them, and every parameter that was drawn."""

from __future__ import annotations

import json
from pathlib import Path

from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.exam.modality import MODALITIES
from MSSoftSegLib.training.synthesis.generator import SyntheticPatient

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def write_patient(patient: SyntheticPatient, folder: Path) -> None:
    """``FLAIR.nii.gz``, ``T1.nii.gz``, ``T2.nii.gz`` (those that she has), ``label.nii.gz`` and ``draws.json``; 1 mm, LPS."""
    folder.mkdir(parents=True)
    z, y, x = patient.label.shape[1:]
    grid = Grid((x, y, z), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), IDENTITY)
    for channel, modality in enumerate(MODALITIES):
        if patient.images[channel].any():
            write_image(grid.image(patient.images[channel].numpy()), folder / f"{modality.value.upper()}.nii.gz")
    write_image(grid.image(patient.label[0].numpy()), folder / "label.nii.gz")
    (folder / "draws.json").write_text(json.dumps(patient.draws, indent=1) + "\n", encoding="utf-8")
