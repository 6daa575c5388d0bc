"""pydicom and highdicom are an extra: who does without DICOM does without them."""

from __future__ import annotations

import importlib
from typing import Any

from MSSoftSegLib.errors import PackageMissing


def require_dicom() -> None:
    """PackageMissing, in words, where the extra is not installed."""
    package("pydicom")
    package("highdicom")


def package(name: str) -> Any:
    """A module of the extra."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise PackageMissing(
            f"DICOM needs the package {name.partition('.')[0]}", remedy="install it: pip install pydicom highdicom"
        ) from None
