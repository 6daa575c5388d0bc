"""How what is added differs from what is there: the same voxels compressed otherwise are the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.exam.geometry import have_same_grid, voxels
from MSSoftSegLib.exam.image_file import compute_sha256, read_mask
from MSSoftSegLib.exam.nifti_file import read_nifti
from MSSoftSegLib.library.case_change import CaseChange
from MSSoftSegLib.library.case_record import CaseRecord, Edits
from MSSoftSegLib.library.intake import Source
from MSSoftSegLib.library.layout import resolve_inside


def describe_difference(
    library: Path, before: CaseRecord | None, staged: Mapping[PurePosixPath, Path]
) -> dict[PurePosixPath, Path]:
    """The staged files that are not in the library already. A stored file that is damaged counts as not there."""
    known = {} if before is None else before.checksums
    different = {}
    for name, path in staged.items():
        there = resolve_inside(library, name)
        whole = str(name) in known and there.is_file() and compute_sha256(there) == known[str(name)]
        if not whole or not (compute_sha256(path) == known[str(name)] or _same_voxels(path, there)):
            different[name] = path
    return different


def count_edits_of_replaced(
    library: Path, before: CaseRecord | None, change: CaseChange, changed: Mapping[PurePosixPath, Path]
) -> dict[str, Edits]:
    """By rater: what the new mask adds to and removes from the one that it replaces, where that can still be read."""
    edits = {}
    for rater in change.raters:
        name = change.case.rater_mask(rater)
        there = resolve_inside(library, name)
        known = None if before is None else before.checksums.get(str(name))
        if name in changed and known is not None and there.is_file() and compute_sha256(there) == known:
            edits[rater] = count_edits(voxels(read_mask(there)), voxels(read_mask(changed[name])))
    return edits


def count_edits(start: np.ndarray, end: np.ndarray) -> Edits:
    """Voxels that became lesion (or possible lesion), and that ceased to be."""
    return Edits(
        voxels_added=int(np.count_nonzero((end > 0) & (start == 0))),
        voxels_removed=int(np.count_nonzero((end == 0) & (start > 0))),
    )


def read_labels_of(source: Source, flair: sitk.Image) -> np.ndarray:
    """A label map's voxels, (z, y, x), of a file or an image in memory."""
    return voxels(source if isinstance(source, sitk.Image) else read_mask(source, flair))


def _same_voxels(first: Path, second: Path) -> bool:
    one, other = read_nifti(first), read_nifti(second)
    return have_same_grid(one, other) and bool(np.array_equal(voxels(one), voxels(other)))
