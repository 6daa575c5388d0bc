"""The files of a comparison, under fixed names (Docs say which): images per pair of visits, table, facts and page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.change.comparison import Comparison
from MSSoftSegLib.change.document import (
    ChangeDocument,
    history_facts,
    pair_facts,
    setting_facts,
    visit_facts,
)
from MSSoftSegLib.change.history import lesion_histories
from MSSoftSegLib.change.maps import midpoint_maps, native_maps, subtraction
from MSSoftSegLib.change.page import write_page
from MSSoftSegLib.change.table import write_change_csv
from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.result_files import CHANGE_FILE
from MSSoftSegLib.result_files import REPORT_FILE as PAGE_FILE
from MSSoftSegLib.version import VERSION

TABLE_FILE = "change.csv"
MAP_FILE = "change_map.nii.gz"
LABELS_FILE = "change_labels.nii.gz"


@dataclass(frozen=True)
class NamedPair:
    """Two neighboring visits and the folder of their images."""

    name: str
    comparison: Comparison


def pair_name(position: int) -> str:
    """The folder of the pair that begins with visit ``position``, from 1."""
    return f"visit{position}-visit{position + 1}"


def write_comparisons(
    folder: Path, pairs: Sequence[NamedPair], *, segmented: Sequence[str | None], percent: float | None
) -> ChangeDocument:
    """Write everything; segmented: per visit the folder of its segmentation inside this one, or None. Returns change.json."""
    comparisons = [pair.comparison for pair in pairs]
    histories = lesion_histories(comparisons)
    visits = [comparisons[0].before, *(comparison.after for comparison in comparisons)]
    for pair in pairs:
        _write_images(folder / pair.name, pair.comparison)
    document = ChangeDocument(
        software_version=VERSION,
        settings=setting_facts(percent),
        visits=tuple(visit_facts(visit, own) for visit, own in zip(visits, segmented, strict=True)),
        pairs=tuple(pair_facts(pair.name, pair.name, pair.comparison) for pair in pairs),
        histories=tuple(history_facts(history) for history in histories),
    )
    (folder / CHANGE_FILE).write_text(document.model_dump_json(indent=2) + "\n", encoding="utf-8")
    write_change_csv(folder / TABLE_FILE, [(pair.name, pair.comparison) for pair in pairs])
    write_page(folder / PAGE_FILE, document, comparisons, histories)
    return document


def _write_images(folder: Path, comparison: Comparison) -> None:
    """On each visit's own grid, and in the space between with the way back to each visit."""
    between = midpoint_maps(comparison)
    for place, maps in zip(("before", "after"), native_maps(comparison, between), strict=True):
        (folder / place).mkdir(parents=True)
        write_image(maps.change, folder / place / MAP_FILE)
        write_image(maps.labels, folder / place / LABELS_FILE)
    inner = folder / "midpoint"
    inner.mkdir()
    grid = comparison.midpoint.grid
    for place, side in (("before", comparison.midpoint.before), ("after", comparison.midpoint.after)):
        write_image(grid.image(side.flair), inner / f"{place}_FLAIR.nii.gz")
        sitk.WriteTransform(side.native_from_midpoint, str(inner / f"{place}_native_from_midpoint.tfm"))
    write_image(subtraction(comparison), inner / "subtraction.nii.gz")
    write_image(between.change, inner / MAP_FILE)
    write_image(between.labels, inner / LABELS_FILE)
