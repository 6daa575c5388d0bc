"""The ``library-worklist`` job as a document: which cases there are, and which is worth looking at next."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.library.case_record import Status


class LibraryWorklistSpec(Document):
    """statuses: only these, all where none is named.

    order: 'uncertainty' puts first what nobody approved or excluded yet, and in it what the model was least sure of
    (structural uncertainty of the patient, then of the worst lesion, then entropy; cases without a result last);
    'status' goes from unlabelled to excluded; 'case' by name.
    """

    library: Path
    statuses: tuple[Status, ...] = ()
    order: Literal["uncertainty", "status", "case"] = "uncertainty"


class LibraryWorklistJob(Job[Literal["library-worklist"], LibraryWorklistSpec]):
    """A job of kind ``library-worklist``.

    summary: cases [{case, patient, session, status, images, raters, soft_label, psu, worst_lesion_lsu, mean_entropy,
    soft_volume_ml, volume_ml, notes, changed, source_model}], counts {status: n} of the whole library, merge (of the
    library's settings, or null), problems [{case, message}] of records that cannot be read.
    """
