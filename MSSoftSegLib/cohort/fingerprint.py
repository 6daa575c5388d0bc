"""What a result was computed from, as one checksum: whoever resumes computes again only where it differs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.settings import CohortSettings
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.reading import find_exam
from MSSoftSegLib.exam.sidecar import name_sidecar
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.preprocessing.brain_extraction.backend import choose_backend
from MSSoftSegLib.version import VERSION


def choose_files(exam: CohortExam) -> dict[Modality, Path]:
    """The files that the exam's images are; BadExam where there is none for FLAIR. Of several candidates the best is taken."""
    return dict(exam.files) if exam.folder is None else dict(find_exam(exam.folder, take_best=True).chosen)


def fingerprint(files: Mapping[Modality, Path], settings: CohortSettings) -> str:
    """SHA-256 of the images and their sidecars, of the model, of the settings that matter, and of this software's version.

    The device is left out: an exam that was segmented on a GPU is not segmented again because the rest of the cohort was not.
    """
    choices = settings.choices.model_dump(mode="json", exclude={"use_cache"})
    document = {
        "inputs": {modality.value: _checksums(path) for modality, path in files.items()},
        "model": find_bundle(settings.model).sha256,
        "choices": {**choices, "preprocessing": {**choices["preprocessing"], "brain": _brain(settings)}},
        "version": VERSION,
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _checksums(path: Path) -> list[str]:
    sidecar = name_sidecar(path)
    return [path.name, compute_sha256(path), *([compute_sha256(sidecar)] if sidecar.is_file() else [])]


def _brain(settings: CohortSettings) -> str:
    """The backend that is used here, or the contents of the mask that is used for all."""
    brain = settings.choices.preprocessing.brain
    if brain == "auto":
        return choose_backend("auto")
    return compute_sha256(Path(brain)) if Path(brain).is_file() else brain
