"""What can be chosen about preprocessing; the same schema for jobs, the command line and files."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from MSSoftSegLib.exam.modality import Modality

# Ways to find the brain in the images; what is neither these nor "none" is the path of a mask file.
COMPUTED_BACKENDS = ("auto", "hd-bet", "atlas")


class PreprocessingSettings(BaseModel, frozen=True, extra="forbid"):
    """align_to: the image that the others are aligned to; None = T1 where present, else FLAIR.

    brain: 'auto' (HD-BET where it is installed, else the atlas), 'hd-bet', 'atlas', 'none' (voxels ≠ 0 of the reference
    image are brain), or the path of a brain mask drawn on the reference image. reference: whose voxels 'none' and a
    mask file speak of. bias_shrink: voxels of about this many mm are enough for the smooth bias field.
    """

    align_to: Literal[Modality.T1, Modality.FLAIR] | None = None
    brain: str = Field(default="auto", min_length=1)
    reference: Modality = Modality.FLAIR
    working_spacing_mm: float = Field(default=1.0, ge=0.5, le=3.0)
    bias_shrink: int = Field(default=4, ge=1, le=8)
