"""Whether two cases are one exam: no exam is learned from under one name and judged on under another.

An exam is known by its FLAIR. Where its image is at hand, by its voxels, whatever file format and header they have; where only
a library's record is, by the checksum of the file as a library stores it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import compute_sha256, read_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.intake import store_image
from MSSoftSegLib.library.labeled_case import LabeledCase

# In a bundle's ``training``: what tells its cases again without naming them.
FINGERPRINTS = "flair_fingerprints"
FINGERPRINT_LENGTH = 16


def compute_voxel_checksum(case: LabeledCase) -> str:
    """SHA-256 of FLAIR's voxels: the same in every file format and with every header."""
    array = np.ascontiguousarray(voxels(read_image(case.images[Modality.FLAIR])), np.float32)
    return hashlib.sha256(str(array.shape).encode() + array.tobytes()).hexdigest()


def compute_fingerprint(case: LabeledCase) -> str:
    """What tells a case again from the voxels of its FLAIR, without saying whose it is."""
    return compute_voxel_checksum(case)[:FINGERPRINT_LENGTH]


def read_flair_checksum(record: CaseRecord) -> str:
    """SHA-256 of a library case's FLAIR file."""
    return record.checksums[str(record.case_id.image(Modality.FLAIR))]


def predict_stored_checksum(image: Path) -> str:
    """SHA-256 that a library would record for this image: without text in its header, compressed."""
    facts = image.stat()
    return _checksum_once_stored(image, facts.st_size, facts.st_mtime_ns)


# Whoever labels exams and then lists them asks twice.
@lru_cache(maxsize=4096)
def _checksum_once_stored(image: Path, size: int, modified_ns: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "image.nii.gz"
        store_image(image, stored)
        return compute_sha256(stored)


def sort_labeled_first(cases: Sequence[LabeledCase]) -> list[LabeledCase]:
    """The order in which cases are compared: where a labelled and a pseudo-labelled one are the same, the latter has to go."""
    return sorted(cases, key=lambda each: each.is_pseudo_labelled)


class SeenExams:
    """Cases looked at one after the other, labelled ones first."""

    def __init__(self) -> None:
        self._first_with: dict[str, LabeledCase] = {}

    def same_as(self, case: LabeledCase) -> LabeledCase | None:
        """An earlier case that is the same exam and may not be: of another patient, or labelled where this one is not.

        Visits of one patient are always on one side of a split, so the same FLAIR twice there harms nobody.
        """
        first = self._first_with.setdefault(compute_voxel_checksum(case), case)
        if first is case:
            return None
        if case.is_pseudo_labelled:
            return None if first.is_pseudo_labelled else first
        return None if case.patient == first.patient else first


def check_no_exam_twice(cases: Sequence[LabeledCase]) -> None:
    """Refuse a FLAIR that belongs to two patients, or to a labelled and to a pseudo-labelled case."""
    seen = SeenExams()
    for case in sort_labeled_first(cases):
        first = seen.same_as(case)
        if first is None:
            continue
        if case.is_pseudo_labelled:
            raise RequestError(
                f"the pseudo-labelled case {case.case} has the same FLAIR as the labelled case {first.case}",
                remedy=f"exclude {case.case} with mssoftseg library set-status",
            )
        raise RequestError(
            f"the cases {first.case} and {case.case} have the same FLAIR and are given as two patients",
            remedy="exclude one of them, or give both the same patient",
        )
