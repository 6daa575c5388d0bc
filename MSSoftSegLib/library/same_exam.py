"""No exam is learned from under one name and judged on under another: cases are told apart by their FLAIR's voxels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.geometry import voxels
from MSSoftSegLib.exam.image_file import read_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.labelled_case import LabelledCase


def check_no_twins(cases: Sequence[LabelledCase]) -> None:
    """Refuse a FLAIR that belongs to two patients, or to a labelled and to a pseudo-labelled case.

    Visits of one patient are always on one side of a split, so the same FLAIR twice there harms nobody.
    """
    first_with: dict[str, LabelledCase] = {}
    # Labelled cases first: it is the pseudo-labelled one that has to go.
    for case in sorted(cases, key=lambda each: each.is_pseudo_labelled):
        twin = first_with.setdefault(voxel_checksum(case), case)
        if twin is case:
            continue
        if case.is_pseudo_labelled and not twin.is_pseudo_labelled:
            raise RequestError(
                f"the pseudo-labelled case {case.case} has the same FLAIR as the labelled case {twin.case}",
                remedy=f"exclude {case.case} with mssoftseg library set-status",
            )
        if case.patient != twin.patient and not case.is_pseudo_labelled:
            raise RequestError(
                f"the cases {twin.case} and {case.case} have the same FLAIR and are given as two patients",
                remedy="exclude one of them, or give both the same patient",
            )


def voxel_checksum(case: LabelledCase) -> str:
    """SHA-256 of FLAIR's voxels: the same in every file format and with every header."""
    array = np.ascontiguousarray(voxels(read_image(case.images[Modality.FLAIR])), np.float32)
    return hashlib.sha256(str(array.shape).encode() + array.tobytes()).hexdigest()
