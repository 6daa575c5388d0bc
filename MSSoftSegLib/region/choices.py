"""What a user may enter about regions; light, for documents of jobs import it."""

from __future__ import annotations

from enum import StrEnum


class Entered(StrEnum):
    """What the user says about a place that a brain exam does not show."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not-affected"
    NOT_ENTERED = "not-entered"


class Scheme(StrEnum):
    """Whose numbers the labels of a segmentation are."""

    FREESURFER = "freesurfer"
    SYNTHSEG = "synthseg"
    CUSTOM = "custom"
