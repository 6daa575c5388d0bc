"""What every part of a job's document has in common."""

from __future__ import annotations

from pydantic import BaseModel


class Document(BaseModel, frozen=True, extra="forbid"):
    """A part of a job: unchangeable, unknown keys refused."""
