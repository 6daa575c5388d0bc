"""The page: self-contained, escaped, complete, honest about what it does not know."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from MSSoftSegLib.lesion.ordering import sort_least_certain_first
from MSSoftSegLib.lesion.segmentation import Segmentation, segment_lesions
from MSSoftSegLib.lesion.uncertainty import combine
from MSSoftSegLib.region.burden import brain_volumes, burden
from MSSoftSegLib.region.dissemination import dissemination
from MSSoftSegLib.region.exam_regions import ExamRegions
from MSSoftSegLib.region.places import place_lesions
from MSSoftSegLib.region.regions import Place
from MSSoftSegLib.report.html import MOST_CLOSE_UPS, format_number, render_report, write_report
from MSSoftSegLib.report.region_facts import make_region_facts
from MSSoftSegLib.report.result import InputFacts, LesionFacts, StageFacts
from Testing.MSSoftSegLib.region.box_brain import GRID as BOXES
from Testing.MSSoftSegLib.region.box_brain import box_brain
from Testing.MSSoftSegLib.region.box_brain import lesion as box_lesion
from Testing.MSSoftSegLib.report.made_up import LPS, block, grid_around_origin, head, result_of, segmentation_of, turned
from Testing.patience import HANGING_S

GRID = grid_around_origin(turned(LPS, 10), (5.0, 5.0, 6.0))
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
CARD = "# Starter\n\nTrained on made-up images.\n"


class Page(HTMLParser):
    """Tags with their attributes, and text, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.cells: list[str] = []
        self.source = text
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)
        if self.cells:
            self.cells[-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())

    def images(self) -> list[str]:
        return [attributes["src"] or "" for tag, attributes in self.tags if tag == "img"]


def page_of(
    segmentation: Segmentation, *, bright: np.ndarray | None = None, card: str = CARD, **changes: object
) -> Page:
    reference = head(GRID, np.zeros(GRID.size[::-1], bool) if bright is None else bright)
    result = result_of(segmentation, **changes)
    return Page(render_report(result=result, segmentation=segmentation, reference=reference, card_markdown=card))


@pytest.fixture(scope="module")
def many() -> Segmentation:
    """Fourteen lesions in two members that differ."""
    rng = np.random.default_rng(3)
    first = np.zeros(GRID.size[::-1], np.float32)
    for k in range(14):
        first[4 + 2 * (k // 4), 6, 4 + 4 * (k % 4) : 6 + 4 * (k % 4) + k % 2] = 0.95
    second = np.where(rng.random(first.shape) < 0.7, first * 0.8, 0).astype(np.float32)
    answer = segment_lesions(combine([GRID.image(first), GRID.image(second)]), threshold=0.4, min_lesion_mm3=0)
    assert len(answer.lesions) == 14
    return answer


@pytest.fixture(scope="module")
def page(many: Segmentation) -> Page:
    return page_of(many, warnings=("The brain mask is small.",))


def test_nothing_is_fetched_from_anywhere(page: Page) -> None:
    loading = {"script", "link", "iframe", "object", "embed", "video", "audio", "source", "base", "form"}
    assert not loading & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "background", "action"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))
        assert not any(name.startswith("on") for name in attributes)
    assert "://" not in page.source
    assert "@import" not in page.source
    assert "url(" not in page.source
    policy = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_every_picture_is_a_png_inside_the_page_without_metadata_and_has_words_for_who_cannot_see_it(
    page: Page,
) -> None:
    assert len(page.images()) == 1 + MOST_CLOSE_UPS
    for source in page.images():
        kind, data = source.split(",", 1)
        assert kind == "data:image/png;base64"
        picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        picture.load()
        assert picture.format == "PNG"
        assert set(picture.info) <= {"dpi"}
    assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")


def test_lesions_are_listed_least_certain_first_and_all_of_them(page: Page, many: Segmentation) -> None:
    ids = [
        cell
        for (tag, a), cell in zip([t for t in page.tags if t[0] == "td"], page.cells, strict=True)
        if a.get("class") == "id"
    ]
    assert [int(text) for text in ids] == [lesion.id for lesion in sort_least_certain_first(many.lesions)]
    alts = [a["alt"] or "" for tag, a in page.tags if tag == "img"][1:]
    assert [int(re.findall(r"\d+", alt)[0]) for alt in alts] == [int(text) for text in ids[:MOST_CLOSE_UPS]]


def test_the_page_says_that_it_is_for_research_before_anything_else_and_warns_before_the_numbers(page: Page) -> None:
    body = page.source[page.source.index("<body>") :]
    banner, warning = body.index("Research use only — not a medical device"), body.index("The brain mask is small.")
    assert banner < body.index("<h1>") < warning < body.index("Lesion volume") < body.index("Overview")


def test_key_numbers_inputs_stages_and_versions_are_those_of_the_result(many: Segmentation) -> None:
    facts = LesionFacts(count=14, volume_ml=3.456, soft_volume_ml=7.891, volume_interval_ml=(2.345, 4.567))
    text = page_of(many, lesions=facts).text
    for expected in ("3.46 ml", "2.35–4.57 ml over 2 members", "7.89 ml", f"{many.psu:.2f} PSU; 0: all members agree"):
        assert expected in text
    assert "FLAIR (reference)" in text
    assert "12 × 14 × 16" in text
    assert "0.72 × 0.72 × 3.00" in text
    assert "0123456789ab " in text
    assert "0123456789abc" not in text
    assert "alignment 2.2 inference 4.0 Total without this page 6.2" in text
    assert "2.13.0" in text
    assert "No warnings were raised." in text
    assert "tilted by up to" in text


def test_why_this_threshold_is_said_beside_it(many: Segmentation) -> None:
    why = "FLAIR's slices are 7.0 mm apart: the point for slices of 3 mm or more, chosen on 9 patients"
    assert f"26-connected ({why})" in page_of(many, operating_point=why).text
    assert "()" not in page_of(many).text


def test_hostile_names_warnings_and_card_text_are_shown_not_run(many: Segmentation) -> None:
    given = InputFacts(
        modality="flair",
        path_name=HOSTILE + ".nii.gz",
        sha256=None,
        shape=(1, 2, 3),
        spacing_mm=(1, 1, 1),
        orientation="LPS",
    )
    card = f"# {HOSTILE}\n\n- {HOSTILE}\n\n| {HOSTILE} | b |\n|---|---|\n\n[click](javascript:alert(3)) {HOSTILE} {{{{ 7*7 }}}}\n"
    page = page_of(many, card=card, inputs=(given,), warnings=(HOSTILE,))
    assert "script" not in {tag for tag, _ in page.tags}
    assert len(page.images()) == 1 + MOST_CLOSE_UPS
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert page.text.count(HOSTILE) == 6
    assert "javascript:" not in page.source
    assert "{{ 7*7 }}" in page.text


def test_no_lesion_is_said_in_words_and_shown_without_close_ups() -> None:
    page = page_of(segmentation_of(GRID, np.zeros(GRID.size[::-1], bool)))
    assert len(page.images()) == 1
    assert "No lesion at this threshold (0.40; at least 0.0 mm³)." in page.text
    assert "Mean lesion entropy – no lesion to average over" in page.text


def test_with_a_single_member_no_agreement_is_claimed() -> None:
    lesion = block(GRID, (0, 0, 0), 25)
    alone = segment_lesions(combine([GRID.image(lesion.astype(np.float32) * 0.9)]), threshold=0.4, min_lesion_mm3=0)
    text = page_of(alone, bright=lesion).text
    assert "one member, no interval" in text
    assert "Patient uncertainty – PSU needs more than one member" in text
    assert "Ordered by mean entropy" in text


def test_dark_colors_are_for_screens_only(page: Page) -> None:
    assert re.findall(r"@media ([^{]*prefers-color-scheme[^{]*) \{", page.source) == [
        "screen and (prefers-color-scheme: dark)"
    ]
    assert "@page { size: A4;" in page.source


def test_a_result_that_counts_other_lesions_than_the_segmentation_is_refused(many: Segmentation) -> None:
    facts = LesionFacts(count=2, volume_ml=1, soft_volume_ml=1, volume_interval_ml=(1, 1))
    with pytest.raises(ValueError, match="counts 2 lesions, not 14"):
        page_of(many, lesions=facts)


def test_the_file_is_the_page_in_utf_8(tmp_path: Path, many: Segmentation, page: Page) -> None:
    result = result_of(many, warnings=("The brain mask is small.",))
    reference = head(GRID, np.zeros(GRID.size[::-1], bool))
    write_report(tmp_path / "report.html", result=result, segmentation=many, reference=reference, card_markdown=CARD)
    assert (tmp_path / "report.html").read_bytes().decode("utf-8") == page.source
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("value", "text"), [(1.005, "1.00"), (-12.345, "−12.35"), (-0.001, "0.00"), (0.0, "0.00"), (None, "–")]
)
def test_numbers_are_written_for_readers(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_the_report_loads_neither_torch_nor_the_global_state_of_pyplot() -> None:
    code = (
        "import sys, MSSoftSegLib.report.html;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'matplotlib.pyplot')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=HANGING_S).returncode == 0


def placed_in_boxes() -> ExamRegions:
    """One lesion beside the ventricle and one in deep white matter, in a brain of boxes."""
    labels = box_lesion((10, 16)) + 2 * box_lesion((27, 33))
    places = place_lesions(BOXES.image(labels), box_brain())
    brain = BOXES.image(np.ones(BOXES.size[::-1], np.uint8))
    volumes = brain_volumes(box_brain(), brain, 0.3)
    counts = burden(places, {1: 150.0, 2: 150.0})
    return ExamRegions("boxes", places, counts, volumes, dissemination(places, {}))


def test_regions_are_counted_and_nothing_is_diagnosed(many: Segmentation) -> None:
    page = page_of(many, regions=make_region_facts(placed_in_boxes()))
    assert "periventricular 1 0.12 juxtacortical or cortical 0 0.00" in page.text
    assert "a brain exam judges three of five; spinal cord and optic nerve are for you to enter" in page.text
    assert "optic nerve not entered" in page.text
    assert "Nothing is diagnosed here" in page.text


def test_every_place_of_a_lesion_is_listed_and_not_only_the_first(many: Segmentation) -> None:
    facts = make_region_facts(placed_in_boxes())
    first = facts.lesions[0]
    both = {**first.membership, Place.PERIVENTRICULAR: 0.94, Place.JUXTACORTICAL: 0.56, Place.DEEP_GRAY: 0.41}
    two = first.model_copy(update={"region": Place.PERIVENTRICULAR, "membership": both})
    page = page_of(many, regions=facts.model_copy(update={"lesions": (two,)}))
    assert any(cell.startswith("periventricular 0.94juxtacortical or cortical 0.56") for cell in page.cells)
    assert not any("deep gray matter 0.41" in cell for cell in page.cells)


def test_how_long_this_page_took_is_not_said_since_it_is_not_known_yet(many: Segmentation) -> None:
    stages = (StageFacts(name="inference", seconds=4.0), StageFacts(name="report", seconds=0.0))
    assert "inference 4.0 Total without this page 4.0" in page_of(many, stages=stages).text


def test_regions_that_were_not_found_are_said_with_the_reason(many: Segmentation) -> None:
    assert "Not found: no fluid <b>." in page_of(many, regions_problem="no fluid <b>").text
