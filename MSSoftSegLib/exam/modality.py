"""The contrasts that the models know."""

from __future__ import annotations

from enum import StrEnum


class Modality(StrEnum):
    """An MR contrast, in the order of network channels; the value is what users type and what files say."""

    FLAIR = "flair"
    T1 = "t1"
    T2 = "t2"
    PD = "pd"


# What an exam is expected to hold; proton density is taken where it is named, and nobody misses it.
MODALITIES = (Modality.FLAIR, Modality.T1, Modality.T2)
