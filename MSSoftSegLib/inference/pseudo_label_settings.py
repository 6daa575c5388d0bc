"""What can be chosen about pseudo-labels (Docs/methods.md section 4); the same fields for recipes, jobs and the command line."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

PseudoLabelMode = Literal["binary", "binary+soft", "confidence-weighted"]
DecidingQuantity = Literal["omega", "probability", "omega*probability"]


class PseudoLabelChoices(BaseModel, frozen=True, extra="forbid"):
    """How a teacher's probability becomes a label.

    mode: 'binary' and 'binary+soft' cut the confident probability at a half, the latter adds a shell; 'confidence-weighted'
    keeps the probability and weighs it. alpha: steepness of the confidence ω = exp(−α·H). vpt: voxels whose deciding quantity
    (vpt_on) is smaller are zeroed. tst: a case in which this quantity, summed over the voxels that are left, is smaller
    is dropped; in mm³, which are voxels at the 1 mm of the thesis. radius_mm and gamma: the shell of 'binary+soft'.
    """

    mode: PseudoLabelMode = "binary+soft"
    alpha: float = Field(default=0.3, ge=0)
    vpt: float = Field(default=0.3, ge=0, le=1)
    vpt_on: DecidingQuantity = "omega*probability"
    tst: float = Field(default=100.0, ge=0)
    radius_mm: float = Field(default=1.0, gt=0)
    gamma: float = Field(default=0.5, ge=0, le=1)
