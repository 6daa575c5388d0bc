"""The model card's beginning as plain blocks."""

from __future__ import annotations

import pytest

from MSSoftSegLib.report.card_extract import MOST_CHARACTERS, extract_card, strip_markdown


def shape(markdown: str) -> list[tuple[str, list[list[str]]]]:
    return [(block.kind, block.lines) for block in extract_card(markdown).blocks]


def test_headings_paragraphs_lists_and_tables_become_blocks() -> None:
    markdown = """# Name
First line,
second line.

- one
  goes on
- two
1. three

| a | b |
|:--|--:|
| 1 | **2** |
"""
    assert shape(markdown) == [
        ("heading", [["Name"]]),
        ("paragraph", [["First line,"], ["second line."]]),
        ("list", [["one goes on"], ["two"], ["three"]]),
        ("table", [["a", "b"], ["1", "2"]]),
    ]
    assert extract_card(markdown).blocks[1].text == "First line, second line."


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**bold** and *slanted* and `code`", "bold and slanted and code"),
        ("[the recipe](https://example.org/x) and ![a picture](x.png)", "the recipe and a picture"),
        ("lesion_mask_file and 2*3*4 stay", "lesion_mask_file and 2*3*4 stay"),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_marks_go_and_words_stay(markdown: str, text: str) -> None:
    assert strip_markdown(markdown) == text


def test_a_long_card_is_cut_between_blocks_and_says_so() -> None:
    paragraph = "word " * 100
    extract = extract_card("\n\n".join(f"{k} {paragraph}" for k in range(20)))
    assert extract.shortened
    lengths = [len(block.text) for block in extract.blocks]
    assert sum(lengths[:-1]) < MOST_CHARACTERS <= sum(lengths)
    assert all(block.text.endswith("word") for block in extract.blocks)


def test_a_short_card_is_whole_and_an_empty_one_has_no_blocks() -> None:
    assert not extract_card("# A\n\nb\n").shortened
    assert extract_card("").blocks == ()
    assert extract_card(" \n---\n").blocks == ()


def test_no_heading_is_left_without_what_it_heads() -> None:
    extract = extract_card("text " * (MOST_CHARACTERS // 5 - 1) + "\n\n## Limits and more\n\nnever shown\n")
    assert [block.kind for block in extract.blocks] == ["paragraph"]
    assert extract.shortened
