"""The contrasts that the models know."""

from __future__ import annotations

from enum import StrEnum


class Modality(StrEnum):
    """An MR contrast; the value is what users type and what files say."""

    FLAIR = "flair"
    T1 = "t1"
    T2 = "t2"
    PD = "pd"


# The order of network channels and of every listing.
MODALITIES = (Modality.FLAIR, Modality.T1, Modality.T2)
