"""Which modality a channel of somebody's data set is, by the name that its description gives."""

from __future__ import annotations

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.recognition import recognize

NAMES = {
    Modality.FLAIR: ("flair", "t2flair", "t2f", "fl"),
    Modality.T1: ("t1", "t1w", "t1n", "mprage", "t1mprage"),
    Modality.T2: ("t2", "t2w"),
    Modality.PD: ("pd", "pdw"),
}


def find_channel_modality(name: str) -> Modality | None:
    """The modality; None for what no model here takes (contrast-enhanced T1, CT, diffusion …).

    A name that is none of the short ones is judged as ``--exam`` judges a file of that name.
    """
    plain = "".join(character for character in name.casefold() if character.isalnum())
    short = next((modality for modality, names in NAMES.items() if plain in names), None)
    if short is not None:
        return short
    return recognize(name.replace("/", " ") + ".nii").modality if name.strip(". ") else None
