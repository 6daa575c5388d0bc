"""The choice of brain extraction: HD-BET where it is installed, the atlas everywhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Literal

import SimpleITK as sitk

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.brain_extraction.atlas import extract_brain_with_atlas
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet import extract_brain_with_hd_bet, find_hd_bet_lack

LOGGER = logging.getLogger(__name__)

ComputedBackend = Literal["hd-bet", "atlas"]


def choose_backend(brain: Literal["auto", "hd-bet", "atlas"]) -> ComputedBackend:
    """The backend that is used: 'auto' is HD-BET when its environment and weights are there, else the atlas."""
    if brain != "auto":
        return brain
    return "hd-bet" if find_hd_bet_lack() is None else "atlas"


def say_why_atlas(brain: Literal["auto", "hd-bet", "atlas"]) -> None:
    """Log what HD-BET lacks where 'auto' therefore takes the atlas; for whoever is about to extract a brain."""
    lack = find_hd_bet_lack() if brain == "auto" else None
    if lack is not None:
        LOGGER.info("brain extraction by the atlas: %s", lack.message)


def extract_brain(
    images: Mapping[Modality, sitk.Image],
    *,
    backend: ComputedBackend,
    target: Modality,
    progress: Callable[[float], None] = lambda fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> sitk.Image:
    """The brain in images that share one isotropic grid of the whole head; uint8, 1 = brain, on that grid.

    HD-BET sees the target image; its mask serves all contrasts, which are aligned to it. The atlas sees all images.
    cancelled is asked while HD-BET's process runs, which is then killed; the atlas is asked through progress.
    """
    if backend == "hd-bet":
        return extract_brain_with_hd_bet(images[target], cancelled=cancelled)
    return extract_brain_with_atlas(images, progress=progress)
