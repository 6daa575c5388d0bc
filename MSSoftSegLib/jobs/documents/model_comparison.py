"""The ``compare-models`` job as a document: an old model against a new one on cases of a library."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.library.case_record import Status


class CompareModelsSpec(Document):
    """Two models on the same labelled cases.

    library: a case library, or a MONAI datalist (.json). Which of its cases: those named in ``cases``; or, with ``run`` (the
    folder of the training that made the second model), those that this training held out, each judged by the members that never
    saw it; or all with one of ``statuses``. first: the old model, None = the default one; second: the new one; names or
    bundles' folders. base_patients: so many digital patients of fixed seeds are compared too, on voxels of base_spacing_mm,
    which shows what was forgotten. tta: None takes each model's own.
    """

    library: Path
    second: str
    out: Path
    first: str | None = None
    cases: tuple[str, ...] = ()
    run: Path | None = None
    statuses: tuple[Status, ...] = ("approved",)
    base_patients: int = Field(default=4, ge=0, le=20)
    base_spacing_mm: float = Field(default=2.0, ge=1, le=3)
    tta: Literal["flips8", "none"] | None = "none"
    device: str = "auto"
    overwrite: bool = False

    @model_validator(mode="after")
    def _one_choice_of_cases(self) -> CompareModelsSpec:
        if self.cases and self.run is not None:
            raise ValueError(
                "give either cases or a training's run, not both: the run names the cases that it held out"
            )
        return self


class CompareModelsJob(Job[Literal["compare-models"], CompareModelsSpec]):
    """A job of kind ``compare-models``."""
