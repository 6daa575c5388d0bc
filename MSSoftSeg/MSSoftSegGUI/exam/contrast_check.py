"""What to say where an image does not look like the contrast it was chosen as."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.quality.head_contrast import looks_like, looks_like_mask


def check_contrast(slot: str, array: np.ndarray, spacing_mm: Sequence[float]) -> str:
    """One sentence where the image clearly looks like another contrast than its slot's, else "".

    slot: flair, t1 or t2. array: (k, j, i). spacing_mm: along (i, j, k).
    """
    if looks_like_mask(array):
        return _("The image selected as {slot} looks like a mask, not like an image. Check the selection.").format(
            slot=slot.upper()
        )
    found = looks_like(array, spacing_mm)
    if not found or found == slot:
        return ""
    return _("The image selected as {slot} looks like a {other} image. Check the selection.").format(
        slot=slot.upper(), other=found.upper()
    )
