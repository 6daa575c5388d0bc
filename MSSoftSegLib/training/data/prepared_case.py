"""A case on the working grid, on disk: every array a .npy file that is mapped, so that a sample reads only its own part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from MSSoftSegLib.exam.plain_text import parse_json

FACTS_FILE = "prepared.json"


@dataclass(frozen=True)
class PreparedCase:
    """One case in its folder. Arrays are mapped read-only from disk; copy before you write.

    shape: (z, y, x) of the working grid, which is isotropic. slices_mm: how far apart FLAIR's slices were as it was acquired, by
    which an operating point is found. soft_volume_ml: sum of the soft label; lesion_volume_ml: of
    what it puts at 0.5 or more. raters: in order of name.
    """

    case: str
    patient: str
    folder: Path
    shape: tuple[int, int, int]
    spacing_mm: float
    slices_mm: float
    soft_volume_ml: float
    lesion_volume_ml: float
    is_pseudo_labelled: bool
    raters: tuple[str, ...]

    def images(self) -> np.ndarray:
        """(c, z, y, x) float32, normalised, exactly 0 outside the brain; zeros for an absent optional modality."""
        return self._array("images")

    def label(self) -> np.ndarray:
        """(z, y, x) float32 soft label, 0–1."""
        return self._array("label")

    def brain(self) -> np.ndarray:
        """(z, y, x) bool."""
        return self._array("brain")

    def rater(self, name: str) -> np.ndarray:
        """(z, y, x) float32, 0–1: what this rater called certain lesion, resampled linearly. Never trained on."""
        return self._array(name_rater_file(self.raters.index(name)))

    def confidence(self) -> np.ndarray | None:
        """(z, y, x) float32, 0–1: weight ω of a pseudo-label; None where there is none."""
        return self._array("confidence") if (self.folder / "confidence.npy").is_file() else None

    def brain_voxels(self) -> np.ndarray:
        """(n,) int32: flat indices of the brain's voxels, for drawing one of them uniformly."""
        return self._array("brain_voxels")

    def lesion_voxels(self) -> np.ndarray:
        """(n,) int32: flat indices of the brain's voxels with a label above 0, lesion by lesion."""
        return self._array("lesion_voxels")

    def lesion_starts(self) -> np.ndarray:
        """(lesions + 1,) int32: lesion number i is ``lesion_voxels()[starts[i]:starts[i + 1]]``. 26-connected."""
        return self._array("lesion_starts")

    def _array(self, stem: str) -> np.ndarray:
        return np.load(self.folder / f"{stem}.npy", mmap_mode="r", allow_pickle=False)


def name_rater_file(number: int) -> str:
    """Stem of the file of a rater's mask: names of raters need not be names of files."""
    return f"rater-{number}"


def write_prepared(folder: Path, arrays: Mapping[str, np.ndarray], case: PreparedCase, fingerprint: str) -> None:
    """All files of a prepared case; the one with the facts comes last."""
    sizes = {}
    for stem, array in arrays.items():
        _write_array(folder / f"{stem}.npy", np.ascontiguousarray(array))
        sizes[stem] = (folder / f"{stem}.npy").stat().st_size
    facts: dict[str, Any] = asdict(case)
    del facts["folder"]
    document = {"fingerprint": fingerprint, "case": facts, "file_sizes": sizes}
    (folder / FACTS_FILE).write_text(json.dumps(document, indent=1, sort_keys=True), encoding="utf-8")


def _write_array(path: Path, array: np.ndarray) -> None:
    """As ``np.save`` does, which on a full disk raises an error that does not say what happened."""
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
        stream.write(array.data)


def read_prepared(folder: Path, fingerprint: str) -> PreparedCase | None:
    """The case that lies prepared in a folder, or None: not there, damaged, or made from other inputs or settings."""
    try:
        document = parse_json((folder / FACTS_FILE).read_bytes())
        sizes = document["file_sizes"]
        whole = all((folder / f"{stem}.npy").stat().st_size == size for stem, size in sizes.items())
        if document["fingerprint"] != fingerprint or not whole:
            return None
        facts = document["case"]
        facts["shape"], facts["raters"] = tuple(facts["shape"]), tuple(facts["raters"])
        return PreparedCase(folder=folder, **facts)
    except (OSError, ValueError, KeyError, TypeError):
        return None
