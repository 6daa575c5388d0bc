"""A teacher's labels for the raw, unlabelled exams, as prepared cases (``shipped_variants.py``; Docs/methods.md section 4)."""

from __future__ import annotations

from pathlib import Path

from MSSoftSegLib.errors import MSSoftSegError
from MSSoftSegLib.jobs.run import parse_job, run
from MSSoftSegLib.library.reading import read_labeled_cases
from MSSoftSegLib.preprocessing.cache import StepCache
from MSSoftSegLib.result_folder import write_completely
from MSSoftSegLib.training.data.prepared import PreparedCase, prepare_cases
from MSSoftSegLib.training.engine.bundle_writing import write_trained_bundle
from MSSoftSegLib.training.engine.operating_point import MeasuredPoint
from MSSoftSegLib.training.engine.task import FitTask
from MSSoftSegLib.training.recipe import Recipe

# The teacher's probability is taken as it is: no temperature, and no threshold acts on a confidence-weighted label.
AS_TRAINED = MeasuredPoint(temperature=1.0, threshold=0.5, min_lesion_mm3=0.0, mean_dsc=0.0, cases=0)


def pseudo_labeled(teacher: FitTask, recipe: Recipe, data: Path, folder: Path) -> tuple[PreparedCase, ...]:
    """The raw exams with the labels of a finished teacher, from raw files as the ``pseudolabel`` job makes them."""
    bundle = folder / "teacher"
    if not bundle.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with write_completely(bundle, overwrite=False) as partial:
            write_trained_bundle(partial, "teacher", [teacher], AS_TRAINED, facts={})
    assert recipe.pseudo_labels is not None
    choices = recipe.pseudo_labels.model_dump(mode="json", exclude={"share", "weight"})
    library = folder / "library"
    for exams in (data / "raw", data / "raw_partial"):
        spec = {"model": str(bundle), "unlabelled": exams, "out": library, "pseudo_labels": choices, "device": "cpu"}
        outcome = run(parse_job({"job": "teacher", "kind": "pseudolabel", "spec": spec}), _unheard)
        if isinstance(outcome.error, MSSoftSegError):
            raise outcome.error
    cases = [case for case in read_labeled_cases(library, statuses=("segmented",)) if case.is_pseudo_labelled]
    return tuple(prepare_cases(cases, recipe, folder / "prepared", cache=StepCache()))


def _unheard(event: object) -> None:
    """Progress of the teacher is nobody's concern here."""
