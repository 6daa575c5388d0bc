"""One exam after the other gets a teacher's label, or a reason why not.

Each case is in the library complete or not at all, so a run that was stopped goes on where it was: exams whose FLAIR is there
are skipped. An exam that cannot be labelled is reported and does not stop the others; it is a failure when there were exams
and all of them failed, or when the machine lacks what every exam needs. Test-time augmentation is not a choice here: the
confidence comes from it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from torch import nn

from MSSoftSegLib.errors import (
    BadExam,
    EnvironmentLack,
    JobCancelled,
    JobFailed,
    MSSoftSegError,
    OutOfMemory,
    make_user_error,
)
from MSSoftSegLib.exam.exam import Exam
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import read_exam
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.inference.device import Device, choose_device
from MSSoftSegLib.inference.predict import INFERENCE_SECONDS, predict
from MSSoftSegLib.inference.pseudo_label import PseudoLabel, pseudo_label
from MSSoftSegLib.inference.pseudo_label_settings import PseudoLabelChoices
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.creation import create_library
from MSSoftSegLib.library.writing import add_case
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.network.needed_images import check_has_inputs
from MSSoftSegLib.network.weights import load_networks
from MSSoftSegLib.preprocessing.as_given import take_exam_as_given
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.pipeline import STAGE_SECONDS, preprocess
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.preprocessing.working_exam import WorkingExam
from MSSoftSegLib.training.pseudo_labels.plan import PlannedExam, check_one_teacher, check_out, is_library, plan_exams

LOGGER = logging.getLogger(__name__)
# Shares of one exam, in seconds as measured on two cores.
EXAM_SHARES = {**STAGE_SECONDS, "inference": INFERENCE_SECONDS, "pseudo-label": 3.0}
TTA = "flips8"
LIBRARY_NAME = "Pseudo-labelled MS lesion cases"
ExamEnd = Literal["labelled", "skipped", "dropped", "failed"]
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Teacher:
    """The model and where it runs."""

    bundle: Bundle
    networks: Sequence[nn.Module]
    device: Device


@dataclass(frozen=True)
class LabelingRequest:
    """unlabeled: a folder of exam folders, or a case library. out: a case library, made if absent. brain, align_to: as for
    preprocessing; preprocessed: the exams of a folder are on one grid already (a library's cases say so themselves).
    """

    unlabeled: Path
    out: Path
    choices: PseudoLabelChoices
    preprocessed: bool = False
    brain: str = "auto"
    align_to: Modality | None = None
    use_cache: bool = True


@dataclass(frozen=True)
class Listener:
    """Who is told, and asked whether to go on. progress: stage, fraction of it, message; metric: name, step, value."""

    progress: Callable[[str, float, str], None] = lambda stage, fraction, message: None
    metric: Callable[[str, int, float], None] = lambda name, step, value: None
    cancelled: Callable[[], bool] = lambda: False


def label_exams(model: str, request: LabelingRequest, *, device: str, listener: Listener) -> dict[str, int]:
    """Label every exam that has no label yet; how many of them came to which end (``ExamEnd``).

    What can be refused is refused before anything slow begins. JobFailed where all exams failed.
    """
    listener.progress("model", 0.0, "")
    check_out(request.out, request.unlabeled)
    chosen_device = choose_device(device)
    bundle = find_bundle(model)
    check_one_teacher(request.out, describe_source_model(bundle, request.choices))
    teacher = Teacher(bundle, load_networks(bundle), chosen_device)
    planned = plan_exams(
        request.unlabeled,
        request.out,
        preprocessed=request.preprocessed,
        progress=lambda fraction: listener.progress("finding", fraction, ""),
    )
    ends = [_label_or_say_why(number, planned, teacher, request, listener) for number in range(len(planned))]
    listener.progress("exams", 1.0, "")
    return _count(request, ends)


def _count(request: LabelingRequest, ends: Sequence[ExamEnd]) -> dict[str, int]:
    """What became of the exams, or that all of them failed."""
    counts: dict[str, int] = {end: ends.count(end) for end in get_args(ExamEnd)}
    if counts["failed"] == len(ends):
        raise JobFailed(
            f"none of the {len(ends)} exams could be labelled",
            remedy="see the warnings above for each exam's reason",
        )
    if not is_library(request.out):
        create_library(request.out, name=LIBRARY_NAME)
    if not counts["labelled"] and not counts["skipped"]:
        LOGGER.warning("no exam got a pseudo-label: the teacher is not confident enough of any")
    return counts


def describe_source_model(bundle: Bundle, choices: PseudoLabelChoices) -> str:
    """The teacher and all that decides about its labels, as the case records say it."""
    description = bundle.description
    made = ", ".join(f"{name} {value}" for name, value in choices.model_dump(mode="json").items())
    return f"{description.name} {description.version} (sha256 {bundle.sha256[:16]}); {made}"


def _label_or_say_why(
    number: int, planned: Sequence[PlannedExam], teacher: Teacher, request: LabelingRequest, listener: Listener
) -> ExamEnd:
    """Label one exam, or say in the log why not; only a cancellation and a lack of the machine pass through."""
    exam = planned[number]
    name = str(exam.case) if exam.there is None else f"an exam known as {exam.case}"

    def progress(stage: str, fraction: float) -> None:
        done = sum(share for before, share in EXAM_SHARES.items() if _precedes(before, stage))
        inner = (done + EXAM_SHARES[stage] * fraction) / sum(EXAM_SHARES.values())
        listener.progress("exams", (number + inner) / len(planned), f"{exam.case}: {stage}")

    progress("alignment", 0.0)
    if exam.there is not None:
        LOGGER.info("%s is skipped: %s", name, exam.there)
        return "skipped"
    try:
        label = _label_exam(exam, teacher, request, progress, listener.cancelled)
    except JobCancelled:
        raise
    except Exception as problem:
        error = make_user_error(problem)
        if isinstance(error, EnvironmentLack) and not isinstance(error, OutOfMemory):
            raise error from None
        LOGGER.warning("%s was not labelled: %s", name, _one_exam(error, problem))
        return "failed"
    listener.metric("confident_sum_mm3", number, round(label.confident_sum_mm3, 3))
    _tell(name, label, request.choices)
    return "dropped" if label.is_dropped else "labelled"


def _precedes(before: str, stage: str) -> bool:
    order = list(EXAM_SHARES)
    return order.index(before) < order.index(stage)


def _one_exam(error: MSSoftSegError, problem: Exception) -> str:
    if isinstance(problem, MSSoftSegError):
        return str(error)
    return f"{error.message} — run mssoftseg segment --debug on this exam and report the traceback"


def _tell(name: str, label: PseudoLabel, choices: PseudoLabelChoices) -> None:
    for warning in label.warnings:
        LOGGER.warning("%s: %s", name, warning)
    if label.is_dropped:
        LOGGER.warning(
            "%s is dropped: its confident sum is %.1f mm³, below the %g mm³ that a case must have",
            name,
            label.confident_sum_mm3,
            choices.tst,
        )
        return
    values = voxels(label.label)
    soft_volume_ml = float(values.sum(dtype=float)) * Grid.of(label.label).voxel_volume_mm3 / MM3_PER_ML
    LOGGER.info(
        "%s: %.2f ml of soft pseudo-label, confident sum %.0f mm³", name, soft_volume_ml, label.confident_sum_mm3
    )


def _label_exam(
    planned: PlannedExam,
    teacher: Teacher,
    request: LabelingRequest,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> PseudoLabel:
    """Read, preprocess, predict and label one exam, and put it into the library unless it is dropped."""
    if planned.problem is not None or planned.files is None:
        raise planned.problem or BadExam("the exam has no images", remedy="check its folder")
    exam = read_exam(planned.files)
    check_has_inputs(exam.images, teacher.bundle.description)
    prediction = predict(
        _working(exam, planned, teacher.bundle, request, progress, cancelled),
        teacher.bundle.description,
        teacher.networks,
        reference=Modality.FLAIR,
        tta=TTA,
        device=teacher.device,
        progress=lambda fraction: progress("inference", fraction),
    )
    progress("pseudo-label", 0.0)
    label = pseudo_label(prediction.native.probability, request.choices)
    if not label.is_dropped:
        _store(planned, label, teacher.bundle, request)
    return label


def _working(
    exam: Exam,
    planned: PlannedExam,
    bundle: Bundle,
    request: LabelingRequest,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> WorkingExam:
    spacing_mm = bundle.description.spacing_mm
    if planned.preprocessed:
        return take_exam_as_given(exam, working_spacing_mm=spacing_mm)
    settings = PreprocessingSettings(brain=request.brain, align_to=request.align_to, working_spacing_mm=spacing_mm)
    cache = StepCache() if request.use_cache else None
    return preprocess(exam, settings, cache=cache, progress=progress, cancelled=cancelled)


def _store(planned: PlannedExam, label: PseudoLabel, bundle: Bundle, request: LabelingRequest) -> None:
    if not is_library(request.out):
        create_library(request.out, name=LIBRARY_NAME)
    change = CaseChange(
        planned.case,
        images=planned.files or {},
        soft_label=label.label,
        soft_label_name="pseudo",
        confidence=label.confidence,
        status="segmented",
        preprocessed=planned.preprocessed,
        source_model=describe_source_model(bundle, request.choices),
    )
    add_case(request.out, change)
