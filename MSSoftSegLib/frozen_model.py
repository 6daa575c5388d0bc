"""What every document of ours has in common: jobs, recipes, bundles, records, results."""

from __future__ import annotations

from pydantic import BaseModel


class FrozenModel(BaseModel, frozen=True, extra="forbid"):
    """A part of a document: unchangeable, unknown keys refused."""
