"""The ``train`` job as a document. No torch here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.library.case_record import Status


class TrainSpec(Document):
    """Labelled cases to a model bundle.

    library: a case library, or a MONAI datalist (.json). recipe: a name or a TOML file. pseudo: a library of
    pseudo-labelled cases to mix in, as the recipe says; teacher: the model that made them, which the student must not fall
    behind on validation cases. statuses: which cases of a library are trained on.
    init: a model to start from. epochs: overrides the recipe's. folds, fold: K folds by patient; without fold every fold is
    trained, one model each. seed: overrides the recipe's. prepared: where prepared cases are kept for other runs; None = in
    the run's own folder, removed at the end. replace: a model that lies at out may be replaced although the run goes on, as a
    resumed job needs that was begun with overwrite, or was killed when its model was in place. finish: with resume, learn
    nothing more, but make the model of the best weights so far.
    """

    library: Path
    recipe: str
    out: Path
    pseudo: Path | None = None
    teacher: str | None = None
    statuses: tuple[Status, ...] = ("approved",)
    init: str | None = None
    epochs: int | None = Field(default=None, ge=1)
    folds: int | None = Field(default=None, ge=2)
    fold: int | None = Field(default=None, ge=0)
    seed: int | None = Field(default=None, ge=0)
    device: str = "auto"
    devices: int = Field(default=1, ge=1)
    nodes: int = Field(default=1, ge=1)
    precision: Literal["auto", "bf16", "32"] = "auto"
    prepared: Path | None = None
    resume: bool = False
    overwrite: bool = False
    replace: bool = False
    finish: bool = False

    @property
    def may_replace(self) -> bool:
        """Whether a model that lies at out already gives way to the new one."""
        return self.overwrite or self.replace

    @model_validator(mode="after")
    def _options_go_together(self) -> TrainSpec:
        if self.fold is not None and self.folds is None:
            raise ValueError("--fold needs --folds: how many folds there are")
        if (self.pseudo is None) != (self.teacher is None):
            raise ValueError(
                "--pseudo and --teacher go together: the student is compared with the model that taught it"
            )
        if self.resume and self.overwrite:
            raise ValueError("give either --resume, to go on, or --overwrite, to start over")
        if self.finish and not self.resume:
            raise ValueError(
                "--finish needs --resume: the best weights so far are those of a training that was stopped"
            )
        return self


class TrainJob(Job[Literal["train"], TrainSpec]):
    """A job of kind ``train``."""
