"""``report.html``: one file that opens offline, prints on A4 and holds no more than ``result.json`` and its pictures."""

from __future__ import annotations

import base64
from pathlib import Path

import SimpleITK as sitk
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from MSSoftSegLib.lesion.corrected import DRAWN
from MSSoftSegLib.lesion.measurement import SOFT_REACH_MM, Lesion
from MSSoftSegLib.lesion.ordering import sort_least_certain_first
from MSSoftSegLib.lesion.segmentation import Segmentation
from MSSoftSegLib.lesion.uncertainty import LARGEST_ENTROPY_NATS
from MSSoftSegLib.region.regions import PLACE_WORDS, Place
from MSSoftSegLib.report.card_extract import extract_card
from MSSoftSegLib.report.figures import CLOSE_UP_MM, draw_close_up, draw_overview
from MSSoftSegLib.report.planes import LOWEST_SHOWN_PROBABILITY, DisplayVolumes, sort_planes
from MSSoftSegLib.report.result import Result
from MSSoftSegLib.report.review import Review

# Templates lie beside this file, as package data.
TEMPLATE_FOLDER = Path(__file__).resolve().parent
TEMPLATE = "report.html.jinja"
MOST_CLOSE_UPS = 12
# Tilts below this are within how a head is laid down; the caption stays silent.
SMALLEST_NAMED_TILT_DEG = 3.0


def write_report(
    path: Path, *, result: Result, segmentation: Segmentation, reference: sitk.Image, card_markdown: str
) -> None:
    """Write the report. reference: the image whose native grid the segmentation lies on; card_markdown: card.md of the model."""
    page = render_report(result=result, segmentation=segmentation, reference=reference, card_markdown=card_markdown)
    path.write_text(page, encoding="utf-8")


def render_report(
    *,
    result: Result,
    segmentation: Segmentation,
    reference: sitk.Image,
    card_markdown: str,
    review: Review | None = None,
) -> str:
    """The report as HTML text. A result and a segmentation that count different lesions are a ValueError.

    review: who corrected the segmentation, None = nobody did.
    """
    if result.lesions.count != len(segmentation.lesions):
        raise ValueError(f"the result counts {result.lesions.count} lesions, not {len(segmentation.lesions)}")
    volumes = DisplayVolumes.of(reference, segmentation)
    modality = result.reference_modality.upper()
    ordered = sort_least_certain_first(segmentation.lesions)
    close_ups = {lesion.id: encode_data_uri(draw_close_up(volumes, lesion.id)) for lesion in ordered[:MOST_CLOSE_UPS]}
    planes = [str(plane) for plane in sort_planes(volumes.grid)]
    members = len(segmentation.maps.members)
    return (
        make_page_environment()
        .get_template(TEMPLATE)
        .render(
            result=result,
            modality=modality,
            review=review,
            has_members=members > 1 if review is None else _spoke_differently(result),
            members_text=_members_text(members) if review is None else "members",
            overview=encode_data_uri(draw_overview(volumes, reference_name=modality)),
            lesions_shown=ordered[:MOST_CLOSE_UPS],
            lesions_listed=ordered[MOST_CLOSE_UPS:],
            drawn=sum(lesion.status == DRAWN for lesion in ordered),
            close_ups=close_ups,
            close_up_mm=CLOSE_UP_MM,
            planes=planes,
            tilt_deg=volumes.tilt_deg if volumes.tilt_deg >= SMALLEST_NAMED_TILT_DEG else None,
            lowest_shown=LOWEST_SHOWN_PROBABILITY,
            soft_reach_mm=SOFT_REACH_MM,
            largest_entropy=LARGEST_ENTROPY_NATS,
            card=extract_card(card_markdown),
            place_words=PLACE_WORDS,
            places_of={lesion.id: _places(lesion, result) for lesion in ordered},
        )
    )


def _places(lesion: Lesion, result: Result) -> list[tuple[str, float | None]]:
    """Where a lesion lies and how surely, the place to name first; none where that is not known."""
    for facts in () if result.regions is None else result.regions.lesions:
        if facts.id == lesion.id:
            return [(PLACE_WORDS[place], facts.membership[place]) for place in facts.places]
    return [] if lesion.region is None else [(PLACE_WORDS[Place(lesion.region)], lesion.region_probability)]


def _members_text(count: int) -> str:
    return f"{count} member{'s' if count != 1 else ''}"


def _spoke_differently(result: Result) -> bool:
    """Whether a result that is read again came of several members: how many there were is not kept, how they differed is."""
    return result.uncertainty.psu > 0


def encode_data_uri(png: bytes) -> str:
    """PNG bytes as the address of an image inside the page itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def format_number(value: float | None, digits: int = 2) -> str:
    """A number for reading: fixed digits, a true minus sign, a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) != 0 else text.lstrip("-")


def name_place(place: str | None) -> str:
    """A place of the table in the words of a page; a dash where it is not known."""
    return "–" if place is None else PLACE_WORDS[Place(place)]


def make_page_environment(*more: Path) -> Environment:
    """How a page is made of the templates of these folders and of this one: strict, everything escaped, with two filters."""
    environment = Environment(
        loader=FileSystemLoader((*more, TEMPLATE_FOLDER)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_number
    environment.filters["place"] = name_place
    return environment
