"""The ``library-save`` job as a document: one rater's drawing of one visit goes into the case library."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job


class LibrarySaveSpec(Document):
    """A rater's label map, with what is known about it, into a library; an absent or empty folder becomes a library.

    patient, session: study identifiers of the user's choice, letters and digits. images: by modality, FLAIR among them for
    a new case; they may be left out where the case is there. mask: 0, 1 = lesion, 2 = possible lesion, on FLAIR's grid.
    edited_from: the mask that the rater started from, for counting edits. notes: this rater's free text, which must not
    name the patient; None keeps what is there. result: the folder of ``segment`` on this exam, for what the model found.
    soft_label: made by ``softmask``, whose sidecar beside it says how. based_on: checksum of this rater's mask as
    ``library-open`` gave it, None where the rater had none: where the library holds another one by now, nothing is
    overwritten, and the mask is kept under a name of its own.
    """

    library: Path
    patient: str
    session: str | None = None
    images: dict[Modality, Path] = Field(default_factory=dict)
    rater: str
    mask: Path
    edited_from: Path | None = None
    status: Literal["corrected", "approved"] = "corrected"
    notes: str | None = Field(default=None, max_length=10_000)
    source_model: str | None = None
    result: Path | None = None
    soft_label: Path | None = None
    soft_label_name: str = "soft"
    based_on: str | None = None


class LibrarySaveJob(Job[Literal["library-save"], LibrarySaveSpec]):
    """A job of kind ``library-save``.

    summary: case, status, rater (under whose name the mask is now), version ("1", "2", … of this rater's masks), conflict
    (whether it had to be kept under another name), sha256 (the next save's based_on), new_library (whether the folder became
    one), message (one sentence for the user).
    """
