"""What computes one exam's files: the job ``segment``, then names as BIDS has them, and a picture for the group's page."""

from __future__ import annotations

import functools
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.places import RESULT_FOLDER, THUMBNAIL_FILE, name_derived_stem
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.cohort.thumbnail import draw_thumbnail
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import BIDS_IMAGE_FOLDER
from MSSoftSegLib.jobs.documents.exam_source import ExamSource
from MSSoftSegLib.jobs.documents.segment import SegmentJob, SegmentSpec
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.result_files import FACTS_FILE, INSTANCES_FILE, MASK_FILE, PROBABILITY_FILE

if TYPE_CHECKING:
    from MSSoftSegLib.segmenting.ready_model import ReadyModel

# Entropy and mutual information stay in result/: BIDS has no suffix for them; regions too, which lie on a grid of their own.
DERIVED = {
    "desc-lesion_dseg": MASK_FILE,
    "desc-instances_dseg": INSTANCES_FILE,
    "desc-lesion_probseg": PROBABILITY_FILE,
}
MEANING = {
    "desc-lesion_dseg": "lesion mask: 1 where the probability reaches the threshold and the lesion is not too small",
    "desc-instances_dseg": "one number a lesion, largest first, as in lesions.csv",
    "desc-lesion_probseg": "probability of lesion",
}


def segment_into(exam: CohortExam, files: Mapping[Modality, Path], settings: CohortSettings, folder: Path) -> None:
    """Segment one exam: ``result/`` as the job writes it, ``anat/`` with the same images under BIDS names, a thumbnail."""
    from MSSoftSegLib.jobs.segment.segment import run_segment

    _limit_threads(settings.threads)
    source = ExamSource.model_validate({modality.value: path for modality, path in files.items()})
    choices = {name: getattr(settings.choices, name) for name in type(settings.choices).model_fields}
    result = folder / RESULT_FOLDER
    spec = SegmentSpec(
        **choices,
        exam=source,
        out=result,
        model=settings.model,
        device=settings.device,
        keep_working=settings.keep_working,
    )
    with silence_logs():
        run_segment(SegmentJob(job=str(exam), kind="segment", spec=spec), _unheard, _never, opened=load_model)
    facts = Result.model_validate_json((result / FACTS_FILE).read_bytes())
    reference = files[settings.choices.reference]
    _write_derivatives(exam, reference, facts, result, folder / BIDS_IMAGE_FOLDER)
    (folder / THUMBNAIL_FILE).write_bytes(draw_thumbnail(reference, result))


@functools.cache
def load_model(name: str, *, device: str) -> ReadyModel:
    """A model that stays in memory as long as this process: a worker loads it once."""
    from MSSoftSegLib.segmenting.ready_model import open_model

    return open_model(name, device=device)


@contextmanager
def silence_logs() -> Iterator[None]:
    """What is logged of an exam does not say of which; what matters of it stands in its result."""
    logger = logging.getLogger("MSSoftSegLib")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _unheard(event: Mapping[str, object]) -> None:
    """A cohort tells how many exams are done, not how far each is."""


def _never() -> bool:
    return False


def _limit_threads(threads: int | None) -> None:
    """Several workers share the cores of one machine."""
    if threads is not None:
        import SimpleITK as sitk
        import torch

        torch.set_num_threads(threads)
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)


def _write_derivatives(exam: CohortExam, reference: Path, facts: Result, result: Path, anat: Path) -> None:
    """Images of the result under BIDS names, each with its sidecar. The same bytes on disk where links are possible."""
    anat.mkdir()
    space = {Modality.FLAIR: "FLAIR", Modality.T1: "T1w", Modality.T2: "T2w", Modality.PD: "PDw"}
    stem = f"{name_derived_stem(exam.case, reference.name)}_space-{space[Modality(facts.reference_modality)]}"
    for description, name in DERIVED.items():
        _link(result / name, anat / f"{stem}_{description}.nii.gz")
        sidecar = {
            "Description": MEANING[description],
            "SpatialReference": _spatial_reference(exam, reference),
            "Sources": [entry.path_name for entry in facts.inputs],
            "Manual": False,
            "Threshold": facts.threshold,
            "Model": f"{facts.model.name} {facts.model.version}",
            "ModelSHA256": facts.model.sha256,
            "ResearchUseOnly": True,
        }
        (anat / f"{stem}_{description}.json").write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")


def _spatial_reference(exam: CohortExam, reference: Path) -> str:
    """The image whose grid a map lies on: as a BIDS address where it lies in a data set, else by name."""
    if exam.folder is None or exam.folder.name != BIDS_IMAGE_FOLDER:
        return reference.name
    levels = 3 if exam.case.session is not None else 2
    return f"bids:raw:{'/'.join((*exam.folder.absolute().parts[-levels:], reference.name))}"


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
