"""A task of the Medical Segmentation Decathlon (Antonelli et al. 2022, Nat Commun 13:4128), as its archive unpacks.

``dataset.json`` names channels (``modality``), labels, and the training pairs in ``imagesTr`` and ``labelsTr``. Images of several
channels are four-dimensional. Where no channel is FLAIR (computed tomography, say) one is chosen to play its part: it is the
image on which labels are drawn. The images are taken as preprocessed: nothing would align a spleen to an atlas of the brain. A
CT is stored as a window of the body (computed_tomography.py).
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import BadLibrary, RequestError
from MSSoftSegLib.exam.image_file import is_there, read_channels
from MSSoftSegLib.exam.image_format import image_stem
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.importing.choices import Choices
from MSSoftSegLib.library.importing.computed_tomography import window_computed_tomography
from MSSoftSegLib.library.importing.description import read_channel_names, read_description, read_label_names
from MSSoftSegLib.library.importing.label_meaning import LabelMeaning, find_meaning, read_labels
from MSSoftSegLib.library.importing.source import (
    Contents,
    DataSet,
    FoundCase,
    find_channel_modalities,
    find_unused_channels,
    make_case_id,
    make_ids_distinct,
)
from MSSoftSegLib.library.intake import Source
from MSSoftSegLib.library.visits import find_visits

PREPROCESSED = True
RATER = "msd"


def find_cases(source: Path, choices: Choices) -> DataSet:
    """The training cases, in the description's order. A case that lacks a file is found and refused."""
    description = read_description(source)
    pairs = description.get("training")
    if not isinstance(pairs, list) or not pairs:
        raise BadLibrary(
            "dataset.json has no list 'training' of the Decathlon's",
            remedy="choose --format nnunet for a data set of nnU-Net",
        )
    names = read_channel_names(description, ("modality", "channel_names"))
    channels = find_channel_modalities(names, as_flair=choices.as_flair)
    meaning = find_meaning(read_label_names(description), lesion=choices.labels, possible=choices.possible)
    stems = [_stem(pair, number) for number, pair in enumerate(pairs)]
    visits = find_visits(stems, how=choices.visits)

    labels = Counter(str(pair.get("label")) for pair in pairs if isinstance(pair, dict))

    def contents(pair: Any) -> Contents:
        image, label = _files(source, pair)
        if labels[str(pair["label"])] > 1:
            raise BadLibrary(
                f"dataset.json lists {label.parent.name}/{label.name} as the label of {labels[str(pair['label'])]} cases",
                remedy="correct dataset.json",
            )
        return _contents(image, label, channels, names, meaning)

    found = []
    for stem, pair in zip(stems, pairs, strict=True):
        try:
            found.append(FoundCase(make_case_id(stem, visits.get(stem)), stem, partial(contents, pair)))
        except RequestError as problem:
            found.append(FoundCase.refused(stem, problem))
    notes = [*find_unused_channels(names, channels)]
    notes += [f"label {value} ({name}) is not taken for lesion" for value, name in sorted(meaning.left_out.items())]
    notes += [f"{stem} is taken for visit {visit} of patient {patient}" for stem, (patient, visit) in visits.items()]
    return DataSet(PREPROCESSED, make_ids_distinct(found), tuple(notes))


def _contents(
    image: Path, label: Path, channels: dict[int, Modality], names: dict[str, str], meaning: LabelMeaning
) -> Contents:
    images = _images(image, channels, count=len(names))
    return Contents(window_computed_tomography(images, channels, names), {RATER: read_labels(label, meaning)})


def _stem(pair: Any, number: int) -> str:
    """What a training case is called: by its image, or by its place where it has none."""
    image = pair.get("image") if isinstance(pair, dict) else None
    return image_stem(Path(image).name) if isinstance(image, str) and image else f"training entry {number + 1}"


def _files(source: Path, pair: Any) -> tuple[Path, Path]:
    stated = pair if isinstance(pair, dict) else {}
    for part in ("image", "label"):
        if not isinstance(stated.get(part), str) or not stated[part]:
            raise BadLibrary(f"dataset.json lists a training case without {part!r}", remedy="correct dataset.json")
    image, label = source / stated["image"], source / stated["label"]
    for path in (image, label):
        if not is_there(path):
            raise BadLibrary(f"{path.parent.name}/{path.name} is missing", remedy="unpack the data set again")
    return image, label


def _images(path: Path, channels: dict[int, Modality], *, count: int) -> dict[Modality, Source]:
    """The used channels of an image; a single one stays the file that it is."""
    if count == 1:
        return dict.fromkeys(channels.values(), path)
    volumes = read_channels(path, count)
    return {modality: volumes[number] for number, modality in channels.items()}
