"""Student against teacher on the validation cases that neither was trained on (Docs/methods.md section 4): the guard's scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from MSSoftSegLib.errors import JobFailed, RequestError
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.inference.device import Device
from MSSoftSegLib.inference.predict import predict_members
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.network.window import window_of
from MSSoftSegLib.training.confirmation_guard import GuardVerdict, guard_confirmation
from MSSoftSegLib.training.data.prepared import PreparedCase
from MSSoftSegLib.training.engine.operating_point import MeasuredPoint, load_trained
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.engine.validation import case_probability, mean_defined, predict_whole, read_rater_masks
from MSSoftSegLib.training.recipe import Recipe


def check_teacher_fits(teacher: Bundle, recipe: Recipe) -> None:
    """Refuse a teacher that cannot be judged on the student's prepared images."""
    description = teacher.description
    same = (
        description.inputs == recipe.data.inputs
        and description.normalization == recipe.data.normalization
        and description.spacing_mm == recipe.data.spacing_mm
    )
    if not same:
        raise RequestError(
            f"the teacher {description.name} looks at other images than the recipe {recipe.name}: they cannot be compared",
            remedy="give a teacher with the recipe's inputs, spacing and normalization",
        )


def guard_student(teacher: Bundle, tasks: Sequence[FitTask], point: MeasuredPoint, device: Device) -> GuardVerdict:
    """The verdict on a finished student; JobFailed where it is refused. Scores are DSC, mean over raters."""
    networks = load_networks(teacher)
    description = teacher.description

    def by_teacher(case: PreparedCase) -> np.ndarray:
        members = predict_members(
            networks,
            torch.from_numpy(np.array(case.images()))[None],
            tta="none",
            temperature=description.calibration.temperature,
            device=device,
            activation=description.activation,
            floor=description.activation_floor,
            window=window_of(description),
        )
        return np.asarray(members[0].numpy() * case.brain())

    teacher_scores, student_scores, patients = {}, {}, {}
    for task in tasks:
        student = load_trained(task)

        def by_student(case: PreparedCase, task: FitTask = task, student: torch.nn.Module = student) -> np.ndarray:
            logits = predict_whole(student, case, task.recipe, device)
            return case_probability(logits, case, task.recipe, temperature=point.temperature)

        for case in task.validation:
            name = f"{task.folder.name}/{case.case}"
            patients[name] = case.patient
            teacher_scores[name] = _score(by_teacher, case, description.threshold, description.min_lesion_mm3)
            student_scores[name] = _score(by_student, case, point.threshold, point.min_lesion_mm3)
    verdict = guard_confirmation(teacher_scores, student_scores, patients=patients)
    if not verdict.accept:
        raise JobFailed(
            f"the student is not better than its teacher: {verdict.reason}",
            remedy="keep the teacher, or try another --alpha, --mode or share of pseudo-labels",
        )
    return verdict


def _score(
    probability_of: Callable[[PreparedCase], np.ndarray], case: PreparedCase, threshold: float, smallest_mm3: float
) -> float | None:
    found = label_instances(
        probability_of(case),
        threshold=threshold,
        min_lesion_mm3=smallest_mm3,
        voxel_volume_mm3=case.spacing_mm**3,
    )
    values = [dice(found, truth) for truth in read_rater_masks(case)]
    return None if all(value is None for value in values) else mean_defined(values)
