"""pydicom and highdicom are an extra: who does without DICOM does without them."""

from __future__ import annotations

import importlib
import logging
import warnings
from typing import Any

from MSSoftSegLib.errors import PackageMissing


def require_dicom() -> None:
    """PackageMissing, in words, where the extra is not installed."""
    import_package("pydicom")
    import_package("highdicom")


def import_package(name: str) -> Any:
    """A module of the extra."""
    try:
        found = importlib.import_module(name)
    except ImportError:
        raise PackageMissing(
            f"DICOM needs the package {name.partition('.')[0]}", remedy="install it: pip install pydicom highdicom"
        ) from None
    _hush()
    return found


def _hush() -> None:
    """pydicom warns with the values that it doubts, which can be names: nothing of that reaches a screen or a log."""
    config = importlib.import_module("pydicom.config")
    config.settings.reading_validation_mode = config.IGNORE
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    if not any(each[0] == "ignore" and each[3] and each[3].match("pydicom.x") for each in warnings.filters):
        warnings.filterwarnings("ignore", module=r"pydicom\.")
