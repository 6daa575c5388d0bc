"""What a segmentation needs of others, loaded before anybody asks for one: seconds that the first click then does not take."""

from __future__ import annotations

import logging
from collections.abc import Callable

from MSSoftSegLib.jobs.kinds import find_job_kinds

LOGGER = logging.getLogger(__name__)


def load_ahead(is_wanted: Callable[[], bool] = lambda: True) -> None:
    """Import what a segmentation imports (torch, SimpleITK, itk), piece after piece, for as long as is_wanted says so.

    What cannot be loaded is left to the job that needs it, which says what is missing.
    """
    for load in (_load_segmenting, _load_alignment):
        if not is_wanted():
            return
        try:
            load()
        except Exception as problem:
            LOGGER.info("not loaded ahead: %s", problem)
            return


def _load_segmenting() -> None:
    find_job_kinds()["segment"].load_runner()


def _load_alignment() -> None:
    from MSSoftSegLib.preprocessing.elastix import load_elastix

    load_elastix()
