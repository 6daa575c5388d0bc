"""What is asked of every exam of a cohort."""

from __future__ import annotations

from pydantic import Field

from MSSoftSegLib.frozen_model import FrozenModel
from MSSoftSegLib.network.catalog import find_default_model
from MSSoftSegLib.segmenting.choices import SegmentChoices


class CohortSettings(FrozenModel):
    """choices: as of every segmentation. device, keep_working: how it is computed and what is kept, not what comes out.

    threads: processor threads of one worker; None leaves them alone.
    """

    model: str = Field(default_factory=find_default_model)
    choices: SegmentChoices = SegmentChoices()
    device: str = "auto"
    keep_working: bool = False
    threads: int | None = Field(default=None, ge=1)
