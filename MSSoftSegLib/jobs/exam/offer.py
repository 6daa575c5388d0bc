"""What a folder offers: visits that are never mixed, the images of each, and those that would be taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class OfferedImage:
    """One image or series. words: plane, resolution, coverage and so on. contrast: its modality, None where it is none of ours.

    reason: what says so, or why it is none. problem: why it cannot be used, None where it can.
    """

    key: str
    words: str
    contrast: str | None
    reason: str
    problem: str | None = None


@dataclass(frozen=True)
class Proposal:
    """An image that would be taken. because: what sets it apart."""

    key: str
    because: str


@dataclass(frozen=True)
class OfferedVisit:
    """The images of one visit. chosen: by modality. problem: why no exam can be proposed. patient, file: see ExamChoicesJob."""

    patient: int
    file: int | None
    images: tuple[OfferedImage, ...]
    chosen: Mapping[str, Proposal]
    warnings: tuple[str, ...] = ()
    problem: str | None = None
