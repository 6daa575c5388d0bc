"""A small digital patient on disk with a brain mask, so that whole jobs take seconds."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.phantom.digital_patient import SMALL_SETTINGS, make_digital_patient
from MSSoftSegLib.phantom.patient_files import write_digital_patient


@functools.cache
def _made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="small-exam-"))
    patient = make_digital_patient(seed=3, settings=SMALL_SETTINGS)
    write_digital_patient(patient, folder / "exam")
    write_image(patient.brain_mask, folder / "brain.nii.gz")
    return folder


def write_small_exam(folder: Path) -> tuple[Path, Path]:
    """Copy the exam folder and its brain mask into a folder; both paths."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(_made() / "exam", folder / "exam")
    shutil.copyfile(_made() / "brain.nii.gz", folder / "brain.nii.gz")
    return folder / "exam", folder / "brain.nii.gz"
