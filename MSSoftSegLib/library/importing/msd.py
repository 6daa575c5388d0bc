"""A task of the Medical Segmentation Decathlon (Antonelli et al. 2022, Nat Commun 13:4128), as its archive unpacks.

``dataset.json`` names channels (``modality``), labels, and the training pairs in ``imagesTr`` and ``labelsTr``. Images of several
channels are four-dimensional. Where no channel is FLAIR (computed tomography, say) one is chosen to play its part: it is the
image on which labels are drawn. The images are taken as preprocessed: nothing would align a spleen to an atlas of the brain. A
CT is stored as a window of the body (computed_tomography.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from MSSoftSegLib.errors import BadImage, BadLibrary
from MSSoftSegLib.exam.image_format import ImageFormat, image_stem
from MSSoftSegLib.exam.itk_file import read_by_itk
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.importing.computed_tomography import with_windowed_ct
from MSSoftSegLib.library.importing.source import (
    Contents,
    FoundCase,
    alphanumeric,
    channel_modalities,
    check_distinct,
    check_labels,
    lesion_mask,
    read_description,
)
from MSSoftSegLib.library.intake import Source
from MSSoftSegLib.library.layout import CaseId

PREPROCESSED = True
RATER = "msd"


def find_cases(source: Path, *, labels: Sequence[int] = (), as_flair: str | None = None) -> list[FoundCase]:
    """The training cases, in the description's order. labels: which count as lesion; none = every one above 0."""
    description = read_description(source)
    names = description.get("modality") or description.get("channel_names")
    pairs = description.get("training")
    if not isinstance(names, dict) or not isinstance(pairs, list) or not pairs:
        raise BadLibrary(
            "dataset.json has no 'modality' and 'training' of the Decathlon",
            remedy="choose --format nnunet for a data set of nnU-Net",
        )
    channels = channel_modalities(names, as_flair=as_flair)
    described = description.get("labels") or {}
    check_labels(labels, {int(value): str(name) for value, name in described.items() if str(value).isdigit()})
    files = [_pair(source, pair) for pair in pairs]
    cases = [CaseId(alphanumeric(image_stem(image.name))) for image, _ in files]
    check_distinct(cases, [image.name for image, _ in files])
    return [
        FoundCase(case, image_stem(image.name), partial(_contents, image, label, channels, names, labels))
        for case, (image, label) in zip(cases, files, strict=True)
    ]


def _contents(
    image: Path, label: Path, channels: dict[int, Modality], names: dict[str, str], labels: Sequence[int]
) -> Contents:
    images = _images(image, channels, count=len(names))
    return Contents(with_windowed_ct(images, channels, names), {RATER: lesion_mask(label, labels)})


def _pair(source: Path, pair: Any) -> tuple[Path, Path]:
    if not isinstance(pair, dict) or not {"image", "label"} <= pair.keys():
        raise BadLibrary("dataset.json lists a training case without image or label", remedy="correct dataset.json")
    image, label = source / str(pair["image"]), source / str(pair["label"])
    for path in (image, label):
        if not path.is_file():
            raise BadLibrary(f"{path.parent.name}/{path.name} is missing", remedy="unpack the data set again")
    return image, label


def _images(path: Path, channels: dict[int, Modality], *, count: int) -> dict[Modality, Source]:
    """The used channels of an image; a single one stays the file that it is."""
    if count == 1:
        return dict.fromkeys(channels.values(), path)
    whole = read_by_itk(path, ImageFormat.NIFTI)
    if whole.GetDimension() != 4 or whole.GetSize()[3] != count:
        stated = " × ".join(str(size) for size in whole.GetSize())
        raise BadImage(f"{path.name} has {stated} voxels, not {count} channels", remedy="correct dataset.json")
    return {modality: channel_of(whole, number) for number, modality in channels.items()}


def channel_of(whole: sitk.Image, number: int) -> sitk.Image:
    """One volume of a four-dimensional image."""
    size = [*whole.GetSize()[:3], 0]
    submatrix = sitk.ExtractImageFilter.DIRECTIONCOLLAPSETOSUBMATRIX
    return sitk.Extract(whole, size, [0, 0, 0, number], submatrix)
