"""The ``softmask`` job as a document: rater masks in, one soft mask and its sidecar out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.softlabel.settings import SoftLabelSettings


class SoftmaskSpec(Document):
    """Rater masks to a soft mask.

    raters: label maps on one grid (0, 1 = lesion, 2 = possible lesion). flair: on the same grid; may be left out where
    neither the method nor a check of the grid needs it. out: the image file; its sidecar has the same name with .json.
    """

    raters: tuple[Path, ...] = Field(min_length=1)
    flair: Path | None = None
    softening: SoftLabelSettings = SoftLabelSettings()
    out: Path
    overwrite: bool = False


class SoftmaskJob(Job[Literal["softmask"], SoftmaskSpec]):
    """A job of kind ``softmask``."""
