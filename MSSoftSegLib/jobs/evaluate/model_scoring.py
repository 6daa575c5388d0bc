"""How good a model is on one labelled case, used as ``segment`` uses it: its own preprocessing, threshold and smallest lesion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from torch import nn

from MSSoftSegLib.evaluation.calibration import expected_calibration_error, neighborhood
from MSSoftSegLib.evaluation.lesionwise import detection
from MSSoftSegLib.evaluation.overlap import dice, soft_dice
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import read_map, read_mask
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import read_exam
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.native_grid import resample_to_native
from MSSoftSegLib.inference.predict import predict
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.network.building import build_network
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import preprocess
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.softlabel.rater_images import check_label_map
from MSSoftSegLib.training.engine.operating_point import load_best_weights
from MSSoftSegLib.training.run_folder import CROSS_FIT_FOLDER, read_choosing

MEASURES = ("dsc", "lesion_f1", "soft_dice", "ece_lesion", "ece_brain")
TRUTH_LEVEL = 0.5


@dataclass(frozen=True)
class LoadedModel:
    """A bundle with its networks; after them may come others that chose its operating point, which only ``members`` asks."""

    bundle: Bundle
    networks: tuple[nn.Module, ...]


def load_model(bundle: Bundle, run: Path | None = None) -> LoadedModel:
    """Weights checked and loaded. run: the training that made the bundle, for the networks that chose its operating point."""
    networks = load_networks(bundle)
    if run is not None:
        description = bundle.description
        for member in read_choosing(run):
            network = build_network(description.network, input_channels=len(description.inputs))
            networks.append(load_best_weights(network, run / CROSS_FIT_FOLDER / member.name))
    return LoadedModel(bundle, tuple(networks))


def score_case(
    case: LabeledCase,
    model: LoadedModel,
    device: Device,
    *,
    tta: str | None,
    members: Sequence[int] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, float | None]:
    """Each measure's mean over the case's raters, on FLAIR's native grid; None where it is defined for none.

    tta: None takes the model's own. members: which of an ensemble's networks are asked; None = all.
    """
    description = model.bundle.description
    exam = read_exam(case.images)
    working = _working(case, exam, description.spacing_mm, cancelled)
    own = range(len(model.bundle.description.files))
    networks = [model.networks[number] for number in (own if members is None else members)]
    prediction = predict(
        working, description, networks, reference=Modality.FLAIR, tta=tta or description.tta, device=device
    )
    found, point = prediction.native, prediction.fitting.point
    grid = working.native_grids[Modality.FLAIR]
    probability = voxels(found.probability)
    lesions = label_instances(
        probability,
        threshold=point.threshold,
        min_lesion_mm3=point.min_lesion_mm3,
        voxel_volume_mm3=grid.voxel_volume_mm3,
    )
    way = working.working_from_native(Modality.FLAIR)
    share = resample_to_native(sitk.Cast(working.brain_mask, sitk.sitkFloat32), grid, working_from_native=way)
    brain = voxels(share) >= TRUTH_LEVEL
    flair = exam.image(Modality.FLAIR)
    each = [
        _against(truth, lesions > 0, probability, brain, flair.GetSpacing()[::-1]) for truth in _truths(case, flair)
    ]
    return {name: _mean([one[name] for one in each]) for name in MEASURES}


def _working(case: LabeledCase, exam: Exam, spacing_mm: float, cancelled: Callable[[], bool]) -> WorkingExam:
    if case.preprocessed:
        return take_exam_as_given(exam, working_spacing_mm=spacing_mm)
    settings = PreprocessingSettings(brain="auto", working_spacing_mm=spacing_mm)
    return preprocess(exam, settings, cache=StepCache(), cancelled=cancelled)


def _truths(case: LabeledCase, flair: sitk.Image) -> list[np.ndarray]:
    """Each rater's lesions (possible ones too, as ``evaluate`` has it), or the soft label of a case without raters."""
    if case.raters:
        masks = [check_label_map(read_mask(path, like=flair), path.name) for path in case.raters.values()]
        return [(labels != 0).astype(np.float32) for labels in masks]
    return [] if case.soft_label is None else [voxels(read_map(case.soft_label, like=flair))]


def _against(
    truth: np.ndarray, found: np.ndarray, probability: np.ndarray, brain: np.ndarray, spacing_mm: Sequence[float]
) -> dict[str, float | None]:
    mask = truth >= TRUTH_LEVEL
    near = neighborhood(mask & brain, spacing_mm=spacing_mm) & brain
    return {
        "dsc": dice(mask, found),
        "lesion_f1": detection(mask, found).f1,
        "soft_dice": soft_dice(probability, truth),
        "ece_lesion": expected_calibration_error(probability[near], truth[near]),
        "ece_brain": expected_calibration_error(probability[brain], truth[brain]),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
