"""Held-out exams as ``segment`` sees them: raw files in, the members' maps on FLAIR's native grid out, kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.special import expit, logit
from torch import nn

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import read_mask
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import read_exam
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.native_grid import resample_to_native
from MSSoftSegLib.inference.predict import flair_slices_mm, predict
from MSSoftSegLib.network.description import ModelDescription
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import preprocess
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.result_folder import write_completely
from MSSoftSegLib.training.shipped.real_exams import RealExam

MEMBERS_FILE = "members.npz"
SMALLEST_PROBABILITY = 1e-6


# Compared by identity, so that what is computed of one can be remembered.
@dataclass(frozen=True, eq=False)
class HeldOutExam:
    """One exam, predicted by a network that saw nothing of its patient.

    members: (member, z, y, x) probabilities at temperature 1 on FLAIR's native grid, cut to the box around brain and truth;
    truth, brain: (z, y, x) bool, the same box; box: where it lies on the grid.
    """

    case: str
    patient: str
    center: str
    slices_mm: float
    spacing_mm: tuple[float, float, float]
    members: np.ndarray
    truth: np.ndarray
    brain: np.ndarray
    box: tuple[slice, slice, slice]

    def probability(self, temperature: float) -> np.ndarray:
        """Mean over the members (z, y, x) float32 at that temperature, 0 outside the brain."""
        logits = logit(np.clip(self.members.astype(np.float32), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))
        return np.asarray(expit(logits / temperature).mean(axis=0) * (self.members.max(axis=0) > 0), np.float32)

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel."""
        return float(np.prod(self.spacing_mm))


def predict_held_out(
    exam: RealExam,
    networks: Sequence[nn.Module],
    description: ModelDescription,
    device: Device,
    folder: Path,
    *,
    missing: Sequence[Modality] = (),
) -> HeldOutExam:
    """Preprocess and predict an exam, or take up what an earlier call left in ``folder``.

    missing: contrasts that are withheld.
    """
    target = folder / _name(exam, missing)
    images = {modality: path for modality, path in exam.case.images.items() if modality not in missing}
    read = read_exam(images)
    if not (target / MEMBERS_FILE).is_file():
        working = _working(exam, read, description)
        as_learned = description.model_copy(
            update={"calibration": description.calibration.model_copy(update={"temperature": 1.0}), "acquisitions": ()}
        )
        found = predict(
            working, as_learned, networks, reference=Modality.FLAIR, tta=description.tta, device=device
        ).native
        brain = resample_to_native(
            sitk.Cast(working.brain_mask, sitk.sitkFloat32),
            working.native_grids[Modality.FLAIR],
            working_from_native=working.working_from_native(Modality.FLAIR),
        )
        with write_completely(target, overwrite=True) as partial:
            np.savez_compressed(
                partial / MEMBERS_FILE,
                members=np.stack([voxels(member) for member in found.members]).astype(np.float16),
                brain=voxels(brain) >= 0.5,
                slices_mm=flair_slices_mm(working),
            )
    return read_held_out_exam(exam, folder, missing=missing)


def read_held_out_exam(exam: RealExam, folder: Path, *, missing: Sequence[Modality] = ()) -> HeldOutExam:
    """What ``predict_held_out`` left in ``folder``; RequestError where it has not been there."""
    name = _name(exam, missing)
    if not (folder / name / MEMBERS_FILE).is_file():
        raise RequestError(
            f"{name} has not been judged", remedy="run python -m MSSoftSegLib.training.shipped with --judge"
        )
    flair = read_exam({Modality.FLAIR: exam.case.images[Modality.FLAIR]}).image(Modality.FLAIR)
    truth = voxels(read_mask(next(iter(exam.case.raters.values())), like=flair)) != 0
    with np.load(folder / name / MEMBERS_FILE, allow_pickle=False) as kept:
        x, y, z = flair.GetSpacing()
        brain, members = kept["brain"], kept["members"]
        box = _box_around(brain | truth)
        return HeldOutExam(
            case=name,
            patient=exam.patient,
            center=exam.center,
            slices_mm=float(kept["slices_mm"]),
            spacing_mm=(z, y, x),
            members=members[:, *box],
            truth=truth[box],
            brain=brain[box],
            box=box,
        )


def _box_around(mask: np.ndarray) -> tuple[slice, slice, slice]:
    """The smallest box (z, y, x) that holds a mask."""
    sides = (np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    z, y, x = (slice(int(side[0]), int(side[-1]) + 1) for side in sides)
    return z, y, x


def _name(exam: RealExam, missing: Sequence[Modality]) -> str:
    return exam.case.case + "".join(f"-without-{modality.value}" for modality in missing)


def _working(exam: RealExam, read: Exam, description: ModelDescription) -> WorkingExam:
    if exam.case.preprocessed:
        return take_exam_as_given(read, working_spacing_mm=description.spacing_mm)
    settings = PreprocessingSettings(brain="auto", working_spacing_mm=description.spacing_mm)
    return preprocess(read, settings, cache=StepCache())
