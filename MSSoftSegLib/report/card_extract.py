"""The beginning of a model card for the report. Only plain text leaves this file: the template escapes it.

Cards are Markdown with headings, paragraphs, lists and tables; emphasis, code marks and link targets are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_CHARACTERS = 2400
CELL_RULE = re.compile(r":?-{2,}:?")


@dataclass
class CardBlock:
    """One block of a card. kind: heading, paragraph, list or table; lines: its text, entries or rows of cells."""

    kind: str
    lines: list[list[str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The block as one line."""
        return " ".join(cell for line in self.lines for cell in line)


@dataclass(frozen=True)
class CardExtract:
    """The first blocks of a card; shortened says that more follows."""

    blocks: tuple[CardBlock, ...]
    shortened: bool


def extract_card(markdown: str) -> CardExtract:
    """Whole blocks of the card until MOST_CHARACTERS are reached; never a heading without what it heads."""
    blocks, characters, shortened = [], 0, False
    for block in _blocks(markdown):
        if characters >= MOST_CHARACTERS:
            shortened = True
            break
        blocks.append(block)
        characters += len(block.text)
    while blocks and blocks[-1].kind == "heading":
        shortened = True
        blocks.pop()
    return CardExtract(tuple(blocks), shortened)


def strip_markdown(markdown: str) -> str:
    """Inline Markdown without its marks; of a link its words."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"(\*\*|__)(.+?)\1", r"\2", text)
    text = re.sub(r"(?<!\w)[*_](\S(?:.*?\S)?)[*_](?!\w)", r"\1", text)
    return text.replace("`", "").strip()


def _blocks(markdown: str) -> Iterator[CardBlock]:
    block: CardBlock | None = None
    for line in markdown.splitlines():
        kind, cells = _read(line, inside=block.kind if block else None)
        if block and (kind != block.kind or kind == "heading"):
            yield block
            block = None
        if kind is None:
            continue
        block = block or CardBlock(kind)
        if cells is None:
            continue
        if kind == "list" and not _starts_item(line):
            block.lines[-1][0] += f" {cells[0]}"
        else:
            block.lines.append(cells)
    if block:
        yield block


def _read(line: str, *, inside: str | None) -> tuple[str | None, list[str] | None]:
    """Kind of a line and its cells; kind None ends a block, cells None is a table's rule."""
    text = line.strip()
    if not text or CELL_RULE.fullmatch(text):
        return None, None
    if text.startswith("#"):
        return "heading", [strip_markdown(text.lstrip("#"))]
    if text.startswith("|"):
        cells = [strip_markdown(cell) for cell in text.strip("|").split("|")]
        return "table", None if all(CELL_RULE.fullmatch(cell) for cell in cells) else cells
    if _starts_item(line):
        return "list", [strip_markdown(re.sub(r"^([-*+]|\d+[.)])\s+", "", text))]
    if inside == "list" and line[:1].isspace():
        return "list", [strip_markdown(text)]
    return "paragraph", [strip_markdown(text.lstrip("> "))]


def _starts_item(line: str) -> bool:
    return re.match(r"\s*([-*+]|\d+[.)])\s+\S", line) is not None
