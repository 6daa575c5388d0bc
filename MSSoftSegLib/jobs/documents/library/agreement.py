"""The ``library-agreement`` job as a document: two raters of one case, measured and laid over each other."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job


class LibraryAgreementSpec(Document):
    """raters: two of the case. out: image file for their soft union (1 where both drew, 0.5 where one did), on FLAIR's grid.

    overwrite: replace that file, for an overlay is made anew every time.
    """

    library: Path
    case: str
    raters: tuple[str, str]
    out: Path
    overwrite: bool = True

    @model_validator(mode="after")
    def _two_of_them(self) -> LibraryAgreementSpec:
        if self.raters[0] == self.raters[1]:
            raise ValueError("an agreement is between two raters: name two different ones")
        return self


class LibraryAgreementJob(Job[Literal["library-agreement"], LibraryAgreementSpec]):
    """A job of kind ``library-agreement``. Only certain lesion (1) counts; what is undefined is null.

    summary: dsc, lesion_f1, volumes {rater: ml}, agreed_ml, only_a_ml, only_b_ml, possible_ml {rater: ml}, lesions {a, b:
    count; a_touched, b_touched: how many of them the other rater drew too, in part at least}, out.
    """
