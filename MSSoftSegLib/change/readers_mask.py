"""A visit as its reader corrected it: what she drew is lesion, what she deleted is none, and elsewhere the model's maps stand.

A deleted lesion loses its probability with its rim, so that it cannot come back as a faint focus that is new; a drawn one is
sure, whatever the model saw. Where reader and model agree the model's probability stays, for it says how sure a border is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from MSSoftSegLib.change.visit import LesionRegion, MaskSource, Visit
from MSSoftSegLib.errors import BadImage
from MSSoftSegLib.exam.geometry import Grid, image_like, resample, voxels
from MSSoftSegLib.exam.image_file import compute_sha256, read_mask
from MSSoftSegLib.exam.label_digest import compute_label_digest
from MSSoftSegLib.exam.label_doubts import check_lies_in_brain, describe_counts, value_counts
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.lesion.measurement import LPS_TO_RAS

# What surrounds a deleted lesion goes with it up to this far, or to the next slice where slices are thick.
RIM_MM, RIM_VOXELS = 3.0, 1.5


@dataclass(frozen=True)
class ReaderMask:
    """A reader's label map on the visit's FLAIR grid (1 = lesion, 2 = possible lesion). rater: "" where nobody said who.

    others: who drew on the same case and was not taken.
    """

    path: Path
    rater: str = ""
    others: tuple[str, ...] = ()


def apply_readers_mask(visit: Visit, mask: ReaderMask) -> Visit:
    """The visit with the reader's lesions; BadImage or GridMismatch where the file is no such mask of this exam."""
    labels = read_labels(mask, visit.native_probability)
    _check_place(labels == LESION, visit, mask.path.name)
    corrected = correct_visit(visit, labels)
    return replace(
        corrected,
        rater=mask.rater,
        other_raters=mask.others,
        mask_sha256=compute_sha256(mask.path),
        label_digest=compute_label_digest(labels, ras_from_voxel(visit.native_instances)),
    )


def read_labels(mask: ReaderMask, flair: sitk.Image) -> np.ndarray:
    """The reader's labels, uint8 (z, y, x), on the grid of ``flair``; GridMismatch where they lie on another."""
    labels = voxels(read_mask(mask.path, like=flair))
    _check_meaning(labels, mask.path.name)
    return labels


def ras_from_voxel(image: sitk.Image) -> np.ndarray:
    """The 4 × 4 matrix from voxel (x, y, z) to RAS mm."""
    return np.asarray(np.diag([*LPS_TO_RAS, 1.0]) @ Grid.of(image).lps_from_voxel())


def correct_visit(visit: Visit, labels: np.ndarray) -> Visit:
    """The visit with these labels (z, y, x; 1 = lesion, 2 = possible) on its native grid in the place of the model's mask.

    Possible lesion is neither drawn nor deleted: the model's probability stands there. However small, every lesion counts.
    """
    grid = Grid.of(visit.native_instances)
    own, inside = voxels(visit.native_instances), labels == LESION
    drawn = (inside & (own == 0)).astype(np.float32)
    removed = _with_rim((own > 0) & ~inside & (labels != POSSIBLE_LESION), inside, grid).astype(np.float32)
    instances = label_instances(
        inside.astype(np.float32), threshold=0.5, min_lesion_mm3=0.0, voxel_volume_mm3=grid.voxel_volume_mm3
    )
    way = visit.native_from_working
    there = [voxels(resample(grid.image(each), visit.working.grid, source_from_grid=way)) for each in (drawn, removed)]
    return replace(
        visit,
        probability=_changed(visit.probability, *there),
        native_probability=_changed(visit.native_probability, drawn, removed),
        native_instances=image_like(visit.native_instances, instances.astype(np.uint16)),
        regions=None if visit.regions is None else _regions(instances, own, visit.regions),
        mask_source=MaskSource.READER,
    )


def _changed(probability: sitk.Image, drawn: np.ndarray, removed: np.ndarray) -> sitk.Image:
    """Surely lesion where it was drawn, surely none where it was deleted; in between at a border between voxels."""
    before = voxels(probability)
    after = (before + drawn * (1 - before)) * (1 - removed)
    return image_like(probability, np.clip(after, 0, 1).astype(np.float32))


def _with_rim(removed: np.ndarray, kept: np.ndarray, grid: Grid) -> np.ndarray:
    """Deleted voxels and what surrounds them, up to where a lesion that stays is nearer."""
    if not removed.any():
        return removed
    # In units of the reach along each axis, so that the rim in the neighboring slice goes too.
    steps = [mm / max(RIM_MM, RIM_VOXELS * mm) for mm in grid.spacing_mm[::-1]]
    apart = ndimage.distance_transform_edt(~removed, sampling=steps)
    other = ndimage.distance_transform_edt(~kept, sampling=steps) if kept.any() else np.inf
    return np.asarray((apart <= 1) & (apart < other) & ~kept)


def _regions(instances: np.ndarray, own: np.ndarray, regions: Mapping[int, LesionRegion]) -> dict[int, LesionRegion]:
    """Each corrected lesion has the region of the model's lesion that it shares most voxels with; a drawn one has none."""
    found = {}
    for number, box in enumerate(ndimage.find_objects(instances), start=1):
        shared = np.bincount(own[box][instances[box] == number])[1:]
        if shared.any() and (1 + int(shared.argmax())) in regions:
            found[number] = regions[1 + int(shared.argmax())]
    return found


def _check_meaning(labels: np.ndarray, name: str) -> None:
    strange = {value: count for value, count in value_counts(labels).items() if value not in (LESION, POSSIBLE_LESION)}
    if strange:
        raise BadImage(
            f"{name} holds the label{'s' if len(strange) > 1 else ''} {describe_counts(strange)}, whose meaning is not known",
            remedy="give a mask with 1 where there is lesion, 2 where lesion is possible, and 0 elsewhere",
        )


def _check_place(inside: np.ndarray, visit: Visit, name: str) -> None:
    """Refuse a mask that fills the brain, or that lies beside it: another file, or another exam's."""
    way = visit.working.working_from_native(visit.reference)
    mask = sitk.Cast(visit.working.brain_mask, sitk.sitkFloat32)
    brain = voxels(resample(mask, Grid.of(visit.native_instances), source_from_grid=way)) >= 0.5
    check_lies_in_brain(inside, brain, name=name, whose=f"the brain of {visit.name}")
