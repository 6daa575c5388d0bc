"""The labels of a case as an export writes them: which rater's mask, several merged into one, and the soft mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.geometry import Grid
from MSSoftSegLib.exam.image_file import read_image, read_map, read_mask
from MSSoftSegLib.exam.label_values import LESION, POSSIBLE_LESION
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import CaseRecord
from MSSoftSegLib.library.layout import resolve_inside
from MSSoftSegLib.softlabel.merging import merge_raters
from MSSoftSegLib.softlabel.rater_images import check_label_map
from MSSoftSegLib.softlabel.settings import Merge, SoftLabelSettings
from MSSoftSegLib.softlabel.softening import make_soft_mask


@dataclass(frozen=True)
class LabelChoice:
    """rater: whose mask; merge: of all raters; neither: each rater's own. soft_label: for cases that store none."""

    rater: str | None = None
    merge: Merge | None = None
    soft_label: SoftLabelSettings | None = None


EVERY_RATER = LabelChoice()


def check_rater(record: CaseRecord, rater: str | None) -> None:
    """Refuse a rater whose mask a case does not have."""
    if rater is not None and rater not in record.raters:
        raise RequestError(
            f"{record.case_id} has no mask of rater {rater}", remedy=f"choose from {', '.join(sorted(record.raters))}"
        )


def read_flair(library: Path, record: CaseRecord) -> sitk.Image:
    """The case's FLAIR, on whose grid its labels lie."""
    return read_image(resolve_inside(library, record.case_id.image(Modality.FLAIR)))


def read_masks(library: Path, record: CaseRecord, choice: LabelChoice, flair: sitk.Image) -> dict[str, sitk.Image]:
    """Label maps (0, 1 = lesion, 2 = possible lesion) by rater, or one by the name of its merge; empty where none was drawn."""
    check_rater(record, choice.rater)
    raters = [choice.rater] if choice.rater is not None else sorted(record.raters)
    masks = {rater: read_mask(resolve_inside(library, record.case_id.rater_mask(rater)), flair) for rater in raters}
    if choice.merge is None or not masks:
        return masks
    arrays = [check_label_map(mask, f"the mask of {rater}") for rater, mask in masks.items()]
    return {choice.merge: Grid.of(flair).image(merge_labels(arrays, choice.merge))}


def merge_labels(label_maps: list[np.ndarray], merge: Merge) -> np.ndarray:
    """Several label maps, uint8 (z, y, x), as one.

    1 = certain lesion: drawn by all (intersection, soft-union), by any (union), by at least half (mean). 2 = what any rater
    calls possible lesion, with soft-union also what some drew and others did not.
    """
    merged = merge_raters(label_maps, SoftLabelSettings(merge=merge))
    shares = np.mean([labels == LESION for labels in label_maps], axis=0)
    certain = shares >= 0.5 if merge == "mean" else merged.core
    possible = np.any([labels == POSSIBLE_LESION for labels in label_maps], axis=0)
    if merge == "soft-union":
        possible |= shares > 0
    labels = np.where(possible, np.uint8(POSSIBLE_LESION), np.uint8(0))
    labels[certain] = LESION
    return labels


def make_case_soft_mask(
    library: Path, record: CaseRecord, settings: SoftLabelSettings | None, flair: sitk.Image
) -> sitk.Image | None:
    """The stored soft mask, else one made of the raters' masks by the settings; None where there is neither."""
    if record.soft_label is not None:
        return read_map(resolve_inside(library, record.case_id.soft_label(record.soft_label.name)), flair)
    if settings is None or not record.raters:
        return None
    if len(record.raters) > 1 and settings.merge is None:
        raise RequestError(
            f"{record.case_id} has masks of {len(record.raters)} raters and no word on how the soft mask merges them",
            remedy="choose a merge: intersection, union, soft-union or mean",
        )
    masks = read_masks(library, record, EVERY_RATER, flair)
    return make_soft_mask(
        list(masks.values()), flair, settings, names=[f"the mask of {rater}" for rater in masks]
    ).image


def name_soft_label(settings: SoftLabelSettings) -> str:
    """A name for a soft mask that settings made: letters and digits, as BIDS has it."""
    parts = (settings.merge or "", settings.method if settings.method != "none" else "")
    return "".join(part.replace("-", "") for part in parts) or "soft"
