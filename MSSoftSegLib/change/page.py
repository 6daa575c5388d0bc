"""``report.html`` of a comparison: one file that opens offline; what differs besides disease comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MSSoftSegLib.change.calibration import SHIPPED, TWO_SIDED_95, repeat_sd
from MSSoftSegLib.change.classes import CHANGED, ChangeClass
from MSSoftSegLib.change.comparison import Comparison
from MSSoftSegLib.change.document import ChangeDocument
from MSSoftSegLib.change.history import LesionHistory
from MSSoftSegLib.change.pictures import CLASS_COLORS, SUBTRACTION_SD, close_up_png, overview_png, volumes_png
from MSSoftSegLib.change.table import likeliest_first
from MSSoftSegLib.report import html

TEMPLATE = "change.html.jinja"
# The look is the segmentation report's.
FOLDER = Path(__file__).resolve().parent
MOST_CLOSE_UPS = 16
FEWEST_VISITS_OF_A_PLOT = 3
# Lesion sizes for which the page says how much unchanged volumes vary: the template names them.
SIZES_MM3 = (20, 100, 1000)


@dataclass(frozen=True)
class PairPictures:
    """Addresses of pictures inside the page; close_ups by group id."""

    overview: str
    close_ups: dict[int, str]


def write_page(
    path: Path, document: ChangeDocument, pairs: Sequence[Comparison], histories: Sequence[LesionHistory]
) -> None:
    """Draw the pictures and write the page; ``document.pairs`` and ``pairs`` are the same pairs."""
    path.write_text(render_page(document, pairs, histories), encoding="utf-8")


def render_page(document: ChangeDocument, pairs: Sequence[Comparison], histories: Sequence[LesionHistory]) -> str:
    """The page as HTML text."""
    plot = ""
    if len(document.visits) >= FEWEST_VISITS_OF_A_PLOT:
        names, volumes = [v.name for v in document.visits], [v.volume_ml for v in document.visits]
        plot = html.encode_data_uri(volumes_png(names, volumes, histories))
    return (
        html.make_page_environment(FOLDER)
        .get_template(TEMPLATE)
        .render(
            document=document,
            pictures=[_pictures(pair) for pair in pairs],
            plot=plot,
            colors={change.value: color for change, color in CLASS_COLORS.items()},
            classes=[change.value for change in ChangeClass],
            changed=[change.value for change in CHANGED],
            repeat_percent={mm3: 100 * np.expm1(TWO_SIDED_95 * repeat_sd(mm3)) for mm3 in SIZES_MM3},
            calibration=SHIPPED,
            subtraction_sd=SUBTRACTION_SD,
        )
    )


def _pictures(comparison: Comparison) -> PairPictures:
    shown = [row for row in likeliest_first(comparison.changes) if row.change is not ChangeClass.STABLE]
    return PairPictures(
        overview=html.encode_data_uri(overview_png(comparison)),
        close_ups={row.group.id: html.encode_data_uri(close_up_png(comparison, row)) for row in shown[:MOST_CLOSE_UPS]},
    )
