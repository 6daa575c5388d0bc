"""The ``regions`` job as a document: anybody's lesion mask and its exam in, the place of every lesion out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.exam_source import ExamSource
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.preprocessing.settings import PreprocessingSettings
from MSSoftSegLib.region.choices import Entered, Scheme


class RegionsSpec(Document):
    """A lesion mask to places.

    mask: on the grid of an image of the exam. exam: images, or the folder of a finished result or preprocessing, which costs no
    preprocessing. labels, scheme, region_numbers: a segmentation of the user's own. instances: connected components, or these
    split at their necks. spinal_cord, optic_nerve: what a brain exam does not show.
    """

    mask: Path
    exam: ExamSource
    labels: Path | None = None
    scheme: Scheme | None = None
    region_numbers: Path | None = None
    instances: Literal["components", "split"] = "components"
    spinal_cord: Entered = Entered.NOT_ENTERED
    optic_nerve: Entered = Entered.NOT_ENTERED
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    out: Path
    overwrite: bool = False
    use_cache: bool = True

    @model_validator(mode="after")
    def _labels_have_a_scheme(self) -> RegionsSpec:
        if (self.labels is None) != (self.scheme is None):
            raise ValueError("--regions FILE and --scheme freesurfer, synthseg or custom go together")
        return self


class RegionsJob(Job[Literal["regions"], RegionsSpec]):
    """A job of kind ``regions``."""
