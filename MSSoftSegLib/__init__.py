"""MSSoftSeg's backend: soft segmentation of multiple sclerosis lesions (research use only).

    import MSSoftSegLib as mss

    exam = mss.read_exam("exam_folder")
    result = mss.segment(exam)
    print(result.volume_ml, len(result.lesions))

Importing this package is cheap. Each name is looked up where it lives when it is first used: torch and the registration
toolkit are imported by the rooms that need them, and not before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from MSSoftSegLib.version import VERSION as __version__

# What editors and type checkers see; HOME says the same to Python, and a test compares the two.
if TYPE_CHECKING:
    from MSSoftSegLib.api.measuring import measure_case
    from MSSoftSegLib.api.reading import read_exam
    from MSSoftSegLib.api.segmenting import segment
    from MSSoftSegLib.api.training import train
    from MSSoftSegLib.errors import MSSoftSegError
    from MSSoftSegLib.exam.exam import Exam
    from MSSoftSegLib.exam.image_file import read_image, read_mask, write_image
    from MSSoftSegLib.exam.modality import Modality
    from MSSoftSegLib.segmenting.segmented_exam import SegmentedExam
    from MSSoftSegLib.softlabel.settings import SoftLabelSettings
    from MSSoftSegLib.softlabel.soft_mask import SoftMask
    from MSSoftSegLib.softlabel.softening import make_soft_mask
    from MSSoftSegLib.training import losses

HOME = {
    "Exam": "exam.exam",
    "MSSoftSegError": "errors",
    "Modality": "exam.modality",
    "SegmentedExam": "segmenting.segmented_exam",
    "SoftLabelSettings": "softlabel.settings",
    "SoftMask": "softlabel.soft_mask",
    "losses": "training",
    "make_soft_mask": "softlabel.softening",
    "measure_case": "api.measuring",
    "read_exam": "api.reading",
    "read_image": "exam.image_file",
    "read_mask": "exam.image_file",
    "segment": "api.segmenting",
    "train": "api.training",
    "write_image": "exam.image_file",
}

__all__ = [
    "Exam",
    "MSSoftSegError",
    "Modality",
    "SegmentedExam",
    "SoftLabelSettings",
    "SoftMask",
    "__version__",
    "losses",
    "make_soft_mask",
    "measure_case",
    "read_exam",
    "read_image",
    "read_mask",
    "segment",
    "train",
    "write_image",
]


def __getattr__(name: str) -> Any:
    """A name of HOME, imported when it is first asked for."""
    if name not in HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(f"{__name__}.{HOME[name]}")
    # A room inside a room, as losses are, is an attribute only once it is imported.
    found = getattr(home, name) if hasattr(home, name) else import_module(f"{home.__name__}.{name}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
