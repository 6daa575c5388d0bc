"""How rater masks become a soft mask (Docs/methods.md section 1): one schema for recipes, jobs and the command line."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, model_validator

Merge = Literal["intersection", "union", "soft-union", "mean"]
Method = Literal["none", "kats", "barilan", "voxelwise", "gaussian", "ramp", "svls"]


class SoftLabelSettings(BaseModel, frozen=True, extra="forbid"):
    """One way to make a soft mask.

    merge: how several raters become one; None with one rater, which is then taken as it is.
    method: what is done at the border. gamma: value of the shell, of disagreement (soft-union) and of possible lesion.
    radius_mm: shell of barilan and voxelwise, half width of the ramp. size_percent: kats, size of the grown mask in per
    cent of the core. sigma_mm: gaussian and svls. flair_threshold: kats, lowest FLAIR of a shell voxel in the image's own
    units; None = mean minus one SD of FLAIR over all lesion voxels.
    """

    merge: Merge | None = None
    method: Method = "none"
    gamma: float = Field(default=0.5, ge=0, le=1)
    radius_mm: float = Field(default=1.0, gt=0, le=20)
    size_percent: float = Field(default=120.0, ge=100, le=1000)
    sigma_mm: float = Field(default=1.0, gt=0, le=20)
    flair_threshold: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _mean_is_a_probability_already(self) -> SoftLabelSettings:
        if self.merge == "mean" and self.method != "none":
            raise ValueError("merge 'mean' gives a probability already and goes with method 'none' only")
        return self
