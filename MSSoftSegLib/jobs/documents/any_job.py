"""Jobs as documents: one schema for the command line, the worker and the Slicer module. No torch here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.documents.detach import DetachJob
from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.evaluate import CompareJob, EvaluateJob
from MSSoftSegLib.jobs.documents.library.agreement import LibraryAgreementJob
from MSSoftSegLib.jobs.documents.library.export import LibraryExportJob
from MSSoftSegLib.jobs.documents.library.open import LibraryOpenJob
from MSSoftSegLib.jobs.documents.library.save import LibrarySaveJob
from MSSoftSegLib.jobs.documents.library.settings import LibrarySettingsJob
from MSSoftSegLib.jobs.documents.library.worklist import LibraryWorklistJob
from MSSoftSegLib.jobs.documents.model_comparison import CompareModelsJob
from MSSoftSegLib.jobs.documents.model_promotion import PromoteModelJob
from MSSoftSegLib.jobs.documents.preflight import TrainPreflightJob
from MSSoftSegLib.jobs.documents.pseudolabel import PseudolabelJob
from MSSoftSegLib.jobs.documents.softmask import SoftmaskJob
from MSSoftSegLib.jobs.documents.study import StudyJob
from MSSoftSegLib.jobs.documents.train import TrainJob
from MSSoftSegLib.network.catalog import default_model
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings


class ExamSource(Document):
    """Where the images are: a folder to look in, or a file per modality (FLAIR at least)."""

    folder: Path | None = None
    flair: Path | None = None
    t1: Path | None = None
    t2: Path | None = None
    pd: Path | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ExamSource:
        named = [path for path in (self.flair, self.t1, self.t2, self.pd) if path is not None]
        if self.folder is not None and named:
            raise ValueError("give either an exam folder or single files, not both")
        if self.folder is None and self.flair is None:
            raise ValueError("a FLAIR image is required: give --flair FILE or --exam FOLDER")
        return self

    @property
    def files(self) -> dict[Modality, Path]:
        """The single files by modality."""
        named = {modality: getattr(self, modality) for modality in Modality}
        return {modality: path for modality, path in named.items() if path is not None}

    @property
    def paths(self) -> tuple[Path, ...]:
        """Everything that is read from: never to be overwritten."""
        return (*self.files.values(), *([self.folder] if self.folder is not None else []))


class PreprocessSpec(Document):
    """Raw exam to working images."""

    exam: ExamSource
    out: Path
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    overwrite: bool = False
    use_cache: bool = True


class SegmentSpec(Document):
    """Raw exam to result folder. tta and threshold: None takes the model's own.

    preprocessed: the images are aligned, corrected and brain-extracted on one grid already, as those of a library can be: they
    are brought to the model's grid and nothing else.
    """

    exam: ExamSource
    out: Path
    model: str = Field(default_factory=default_model)
    device: str = "auto"
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    preprocessed: bool = False
    reference: Modality = Modality.FLAIR
    tta: Literal["flips8", "none"] | None = None
    threshold: float | None = Field(default=None, gt=0, lt=1)
    keep_working: bool = True
    overwrite: bool = False
    use_cache: bool = True

    @model_validator(mode="after")
    def _nothing_is_left_to_preprocess(self) -> SegmentSpec:
        asked = self.preprocessing.brain not in ("auto", "none") or self.preprocessing.align_to is not None
        if self.preprocessed and asked:
            raise ValueError("--preprocessed images are taken as they are: leave --brain and --align-to out")
        return self


class PreprocessJob(Document):
    """A job of kind ``preprocess``."""

    job: str = Field(min_length=1)
    kind: Literal["preprocess"] = "preprocess"
    spec: PreprocessSpec


class SegmentJob(Document):
    """A job of kind ``segment``."""

    job: str = Field(min_length=1)
    kind: Literal["segment"] = "segment"
    spec: SegmentSpec


Job = Annotated[
    CompareJob
    | CompareModelsJob
    | DetachJob
    | EvaluateJob
    | LibraryAgreementJob
    | LibraryExportJob
    | LibraryOpenJob
    | LibrarySaveJob
    | LibrarySettingsJob
    | LibraryWorklistJob
    | PreprocessJob
    | PromoteModelJob
    | PseudolabelJob
    | SegmentJob
    | SoftmaskJob
    | StudyJob
    | TrainJob
    | TrainPreflightJob,
    Field(discriminator="kind"),
]
