"""Whether the result in a folder still holds the lesions that were compared, by its own files."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from MSSoftSegGUI.prior.comparison import ComparedVisit
from MSSoftSegGUI.scene.volume_files import read_volume
from MSSoftSegLib.exam.label_digest import compute_label_digest
from MSSoftSegLib.exam.label_values import LESION
from MSSoftSegLib.result_files import INSTANCES_FILE


def find_result_folder(key: str) -> Path | None:
    """The folder that a prior was taken from, by the key of its candidate; None for a case of a library."""
    kind, _colon, place = key.partition(":")
    return Path(place) if kind in ("folder", "loaded") and place else None


def is_result_other(folder: Path, compared: ComparedVisit) -> bool | None:
    """Whether a folder of ``segment`` holds other lesions now; None where that cannot be known: an exam's images, files gone.

    A reader's corrections do not lie there.
    """
    path = folder / INSTANCES_FILE
    if compared.reader is not None or not compared.digest:
        return None
    try:
        seen = path.stat()
        return _digest(path, seen.st_mtime_ns, seen.st_size) != compared.digest
    except (OSError, RuntimeError):
        return None


@functools.lru_cache(maxsize=4)
def _digest(path: Path, _written_ns: int, _size: int) -> str:
    """Of a file as it was written last: a comparison is looked at many times."""
    instances, ras_from_ijk = read_volume(path)
    return compute_label_digest(np.where(instances > 0, LESION, 0), ras_from_ijk)
