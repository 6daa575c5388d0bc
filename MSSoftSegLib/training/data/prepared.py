"""Cases brought to the working grid once, before training; a rerun takes up what is there and still true."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from MSSoftSegLib.errors import BadLibrary, JobCancelled, MSSoftSegError
from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.preprocessing.brain_extraction.backend import choose_backend
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.preprocessing.steps import ALIGNMENT_VERSION, BIAS_CORRECTION_VERSION, BRAIN_EXTRACTION_VERSION
from MSSoftSegLib.result_folder import write_completely
from MSSoftSegLib.softlabel.settings import SoftLabelSettings
from MSSoftSegLib.training.data.prepared_case import PreparedCase, name_rater_file, read_prepared, write_prepared
from MSSoftSegLib.training.data.working_arrays import WorkingArrays, make_working_arrays
from MSSoftSegLib.training.recipe import Recipe

__all__ = ["PreparedCase", "prepare_cases"]

# Raised whenever preparation gives another result for the same input.
PREPARATION_VERSION = 1
EVERY_NEIGHBOR = np.ones((3, 3, 3))


def prepare_cases(
    cases: Sequence[LabeledCase],
    recipe: Recipe,
    folder: Path,
    *,
    cache: StepCache | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[PreparedCase]:
    """Each case on the working grid in a folder of its own below ``folder``, in the order given.

    A case that lies there already is reused when its files, the recipe's soft label and its data settings are the
    same; each appears complete or not at all. Errors name the case and the file.
    """
    _check(cases)
    folder.mkdir(parents=True, exist_ok=True)
    prepared = []
    for number, case in enumerate(cases):

        def part(fraction: float, number: int = number) -> None:
            if cancelled():
                raise JobCancelled
            progress((number + fraction) / len(cases))

        part(0.0)
        prepared.append(_prepared(case, recipe, folder / _folder_name(case.case), cache, part, cancelled))
    progress(1.0)
    return prepared


def _check(cases: Sequence[LabeledCase]) -> None:
    """Everything that can be refused before hours are spent on the cases in front of it."""
    seen: set[str] = set()
    for case in cases:
        if case.case in seen:
            raise BadLibrary(f"the case {case.case} is given twice", remedy="give every case a name of its own")
        seen.add(case.case)
        for path in _files(case).values():
            if not path.is_file():
                raise BadLibrary(
                    f"case {case.case}: its file {path.name} is not there",
                    remedy="restore the file, or leave the case out",
                )


def _files(case: LabeledCase) -> dict[str, Path]:
    """Every file of a case by the part that it plays."""
    files = {f"image {modality}": path for modality, path in case.images.items()}
    files |= {f"rater {name}": path for name, path in case.raters.items()}
    files |= {"soft label": case.soft_label} if case.soft_label is not None else {}
    files |= {"confidence": case.confidence} if case.confidence is not None else {}
    return files


def _folder_name(case: str) -> str:
    """A name that every file system takes; the digits keep apart what the replacement makes alike."""
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', case)[:60]}-{hashlib.sha256(case.encode()).hexdigest()[:8]}"


def _prepared(
    case: LabeledCase,
    recipe: Recipe,
    target: Path,
    cache: StepCache | None,
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> PreparedCase:
    try:
        fingerprint = _fingerprint(case, recipe)
        found = read_prepared(target, fingerprint)
        if found is not None:
            return found
        arrays = make_working_arrays(case, recipe, cache=cache, progress=progress, cancelled=cancelled)
    except JobCancelled:
        raise
    except MSSoftSegError as problem:
        raise type(problem)(f"case {case.case}: {problem.message}", remedy=problem.remedy) from None
    facts = _facts(case, arrays, target)
    with write_completely(target, overwrite=True) as partial:
        write_prepared(partial, make_stored_arrays(arrays), facts, fingerprint)
    return facts


def _fingerprint(case: LabeledCase, recipe: Recipe) -> str:
    """SHA-256 of all that the prepared arrays depend on; what acts after preparation (labels.binarize) is no part of it."""
    versions: list[object] = [PREPARATION_VERSION]
    if not case.preprocessed:
        backend = choose_backend("auto")
        versions += [ALIGNMENT_VERSION, BIAS_CORRECTION_VERSION, backend, BRAIN_EXTRACTION_VERSION[backend]]
    softening = recipe.labels.model_dump(mode="json", include=set(SoftLabelSettings.model_fields))
    document = {
        "versions": versions,
        "files": {part: compute_sha256(path) for part, path in _files(case).items()},
        "case": [case.case, case.patient, case.preprocessed],
        "label": softening,
        "data": recipe.data.model_dump(mode="json", exclude={"validation"}),
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _facts(case: LabeledCase, arrays: WorkingArrays, folder: Path) -> PreparedCase:
    voxel_ml = arrays.spacing_mm**3 / MM3_PER_ML
    z, y, x = arrays.label.shape
    return PreparedCase(
        case=case.case,
        patient=case.patient,
        folder=folder,
        shape=(z, y, x),
        spacing_mm=arrays.spacing_mm,
        slices_mm=arrays.slices_mm,
        soft_volume_ml=float(arrays.label.sum(dtype=np.float64)) * voxel_ml,
        lesion_volume_ml=float(np.count_nonzero(arrays.label >= 0.5)) * voxel_ml,
        is_pseudo_labelled=case.is_pseudo_labelled,
        raters=tuple(sorted(arrays.raters)),
    )


def make_stored_arrays(arrays: WorkingArrays) -> dict[str, np.ndarray]:
    """Every array by the stem of its file, with the lists that samples are drawn from."""
    lesions, _ = ndimage.label((arrays.label > 0) & arrays.brain, structure=EVERY_NEIGHBOR)
    flat = lesions.ravel()
    marked = np.flatnonzero(flat)
    by_lesion = marked[np.argsort(flat[marked], kind="stable")]
    stored = {
        "images": arrays.images,
        "label": arrays.label,
        "brain": arrays.brain,
        "brain_voxels": np.flatnonzero(arrays.brain).astype(np.int32),
        "lesion_voxels": by_lesion.astype(np.int32),
        "lesion_starts": np.searchsorted(flat[by_lesion], np.arange(1, int(flat.max()) + 2)).astype(np.int32),
    }
    stored |= {name_rater_file(number): arrays.raters[name] for number, name in enumerate(sorted(arrays.raters))}
    if arrays.confidence is not None:
        stored["confidence"] = arrays.confidence
    return stored
