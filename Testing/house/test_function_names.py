"""A reader of a call knows whether something happens: what acts begins with a verb."""

from __future__ import annotations

import ast

import pytest

from Testing.house.function_names import QUESTIONS, TERMS, VERBS, first_word, is_misnamed, misnamed_functions
from Testing.house.imports import modules


def test_what_acts_begins_with_a_verb_and_nothing_with_a_participle():
    assert list(misnamed_functions()) == []


@pytest.mark.parametrize(
    "function",
    [
        "def told(choice) -> list[str]: ...",
        "def carried_labels(maps) -> np.ndarray: ...",
        "def as_text(indices) -> str: ...",
        "def why_not(part) -> str: ...",
        "def accompanied(job) -> JobOutcome: ...",
        "def jobs_folder() -> Path: ...",
        "def summary(lines) -> None: ...",
        "def weights(path) -> dict[str, float]: return json.loads(path.read_text())",
        "@contextmanager\ndef logs() -> Iterator[None]: ...",
    ],
)
def test_a_name_that_hides_what_happens_is_seen(function):
    assert is_misnamed(ast.parse(function).body[0])


@pytest.mark.parametrize(
    "function",
    [
        "def volume_ml(mask) -> float: ...",
        "def soft_dice_loss(probability, soft_mask) -> Tensor: ...",
        "def normalized_relu(logits) -> Tensor: ...",
        "def is_there(path) -> bool: return path.exists()",
        "def write_report(path) -> None: ...",
        "def findColorTable(name): ...",
    ],
)
def test_a_quantity_bears_its_name_and_an_action_its_verb(function):
    assert not is_misnamed(ast.parse(function).body[0])


def test_no_verb_and_no_term_stands_in_the_lists_for_nothing():
    named = {
        node.name
        for module in modules().values()
        for node in ast.parse(module.path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert (VERBS | QUESTIONS) - {first_word(name) for name in named if not name.startswith("_")} == set()
    assert TERMS - named == set()
