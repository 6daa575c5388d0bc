"""The two segments that are edited: what they are called, coded and colored, and what they become on the grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION


@dataclass(frozen=True)
class LesionSegment:
    """A segment. id is fixed in saved scenes; label: its value in label maps; color: red, green, blue, 0–1.

    code: scheme, value and meaning. terminology: the text that Slicer keeps in a segment's terminology tag.
    """

    id: str
    label: int
    color: tuple[float, float, float]
    code: tuple[str, str, str]

    @property
    def name(self) -> str:
        """What the user reads."""
        return _("MS lesion") if self.label == LESION else _("Possible MS lesion")

    @property
    def terminology(self) -> str:
        """Context ~ category ~ type ~ modifier ~ anatomic context ~ region ~ modifier, each scheme ^ code ^ meaning."""
        return "~".join(
            (CONTEXT_NAME, "^".join(CATEGORY), "^".join(self.code), "^^", ANATOMIC_CONTEXT_NAME, "^".join(REGION), "^^")
        )


# As in Resources/Terminology/MSSoftSeg.term.json; a test compares them.
CONTEXT_NAME = "MSSoftSeg multiple sclerosis lesions"
ANATOMIC_CONTEXT_NAME = "Anatomic codes - DICOM master list"
CATEGORY = ("SCT", "49755003", "Morphologically Altered Structure")
REGION = ("SCT", "12738006", "Brain")
CODING_SCHEME = "99MSSOFTSEG"

# Sky blue and orange: apart for every kind of color blindness, and on gray images (Okabe and Ito's palette).
SEGMENTS = (
    LesionSegment("MSLesion", LESION, (86 / 255, 180 / 255, 233 / 255), (CODING_SCHEME, "MSLESION", "MS lesion")),
    LesionSegment(
        "PossibleMSLesion",
        POSSIBLE_LESION,
        (230 / 255, 159 / 255, 0.0),
        (CODING_SCHEME, "POSSIBLEMSLESION", "Possible MS lesion"),
    ),
)


def make_label_map(lesion: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """The two segments as one label map, uint8 (k, j, i): 1 = MS lesion, which wins where both are painted, 2 = possible."""
    if lesion.shape != possible.shape:
        raise ValueError(f"the segments lie on different grids: {lesion.shape} and {possible.shape}")
    labels = np.where(possible != 0, np.uint8(POSSIBLE_LESION), np.uint8(0))
    labels[lesion != 0] = LESION
    return labels
