"""What a study does, written down before it begins, so that its trials and a resumed study agree."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.frozen_model import FrozenModel
from MSSoftSegLib.library.labeled_case import LabeledCase
from MSSoftSegLib.library.reading import read_labeled_cases
from MSSoftSegLib.study.arms import ARMS
from MSSoftSegLib.study.size import SIZES, StudySize
from MSSoftSegLib.training.engine.checkpoint import write_whole
from MSSoftSegLib.training.recipe import Recipe

PLAN_FILE = "study.json"
OWN_LIBRARY = "library"


@dataclass(frozen=True)
class StudyPlan:
    """size: how large. library: the user's case library, None = the study's own digital patients.

    folds: the patients held out in each fold.
    """

    size: StudySize
    library: Path | None
    folds: tuple[frozenset[str], ...]

    def library_folder(self, study: Path) -> Path:
        """Where the cases are."""
        return self.library or study / OWN_LIBRARY

    def labeled_cases(self, study: Path) -> list[LabeledCase]:
        """The approved cases that raters labelled."""
        return [case for case in read_labeled_cases(self.library_folder(study), statuses=("approved",)) if case.raters]

    def unlabeled_cases(self, study: Path) -> list[LabeledCase]:
        """The cases that nobody has labelled, for students."""
        return read_labeled_cases(self.library_folder(study), statuses=("unlabelled",))

    def recipe(self, arm: str, *, seed: int) -> Recipe:
        """An arm's recipe at this size with a seed of its own."""
        recipe = self.size.scaled(ARMS[arm].resolved())
        return recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})

    def teacher(self, arm: str) -> str | None:
        """The arm whose model labels the unlabelled cases for this one."""
        return ARMS[arm].teacher

    def prepared_folder(self, study: Path, recipe: Recipe) -> Path:
        """Shared by all trials whose soft labels and images are the same."""
        labels = recipe.labels.model_dump(mode="json", exclude={"binarize"})
        settings = json.dumps([labels, recipe.data.model_dump(mode="json")], sort_keys=True)
        return study / "prepared" / hashlib.sha256(settings.encode()).hexdigest()[:16]


class _PlanDocument(FrozenModel):
    """The plan as its file says it. arms: for readers; a size has its arms."""

    size: str
    own_patients: bool
    folds: list[list[str]]
    arms: list[str]


def write_plan(study: Path, plan: StudyPlan) -> None:
    """Write the plan beside its results, whole or not at all: without it nothing of a study can be gone on with."""
    document = _PlanDocument(
        size=plan.size.name,
        own_patients=plan.library is None,
        folds=[sorted(patients) for patients in plan.folds],
        arms=list(plan.size.arms),
    )
    write_whole(study / PLAN_FILE, (document.model_dump_json(indent=2) + "\n").encode())


def read_plan(study: Path, library: Path | None) -> StudyPlan:
    """The plan of a study that was begun; RequestError where there is none, it is damaged, or it has other patients."""
    path = study / PLAN_FILE
    if not path.is_file():
        raise RequestError(f"{study.name} holds no study", remedy="begin one with mssoftseg study")
    try:
        document = _PlanDocument.model_validate_json(path.read_bytes())
        size = SIZES[document.size]
    except (ValidationError, KeyError):
        raise RequestError(
            f"{PLAN_FILE} in {study.name} is damaged, or of another version", remedy="begin the study anew"
        ) from None
    if document.own_patients != (library is None):
        raise RequestError(
            f"{study.name} was begun with other patients",
            remedy="repeat the --library of the study, or choose another --out",
        )
    return StudyPlan(
        size=size,
        library=library,
        folds=tuple(frozenset(patients) for patients in document.folds),
    )
