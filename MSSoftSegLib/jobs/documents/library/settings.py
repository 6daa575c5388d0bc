"""The ``library-settings`` job as a document: how this library's raters are merged and softened by default."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.softlabel.settings import SoftLabelSettings


class LibrarySettingsSpec(Document):
    """softening: the new default; None leaves it as it is and only tells it."""

    library: Path
    softening: SoftLabelSettings | None = None


class LibrarySettingsJob(Job[Literal["library-settings"], LibrarySettingsSpec]):
    """A job of kind ``library-settings``. summary: softening (as in ``softmask``) or null, merge or null."""
