"""The ``library-open`` job as a document: where a case's files lie, each verified to be what was saved."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job


class LibraryOpenSpec(Document):
    """case: ``sub-01_ses-02``, ``01/02`` or ``01``."""

    library: Path
    case: str


class LibraryOpenJob(Job[Literal["library-open"], LibraryOpenSpec]):
    """A job of kind ``library-open``.

    summary: case, patient, session, status, images {modality: path}, raters {name: {path, sha256, time, version, notes}},
    soft_label {path, name, settings, current} or null (settings null where it is not known how it was made; current:
    whether the masks that it was made of are still those, null where that is not known), notes (all raters'),
    source_model, preprocessed, uncertainty (as in the worklist), earlier [{rater, version, path, time, approved}] (masks
    that later ones replaced, oldest first), working {} (no working images are kept). Paths are absolute.
    """
