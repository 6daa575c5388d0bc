"""The ``library-settings`` job as a document: how this library's raters are merged and softened by default."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.softlabel.settings import SoftLabelSettings


class LibrarySettingsSpec(Document):
    """softening: the new default; None leaves it as it is and only tells it."""

    library: Path
    softening: SoftLabelSettings | None = None


class LibrarySettingsJob(Document):
    """A job of kind ``library-settings``. summary: softening (as in ``softmask``) or null, merge or null."""

    job: str = Field(min_length=1)
    kind: Literal["library-settings"] = "library-settings"
    spec: LibrarySettingsSpec
