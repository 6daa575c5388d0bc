"""Recipes to read: as flat keys, as the differences of two, and as TOML that reads back as the same recipe."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from MSSoftSegLib.training.recipe import Recipe

# What a recipe says about itself; two recipes always differ in it.
PROSE = ("name", "title", "source", "notes")
_LONGEST_LINE = 100


@dataclass(frozen=True)
class Difference:
    """A dotted key and its value in each of two recipes; None where a recipe leaves it out."""

    key: str
    first: Any
    second: Any


def make_document(recipe: Recipe) -> dict[str, Any]:
    """All that holds for a recipe, defaults filled in; a key that is absent is one that is turned off."""
    return recipe.model_dump(mode="json", exclude_none=True)


def flatten(recipe: Recipe) -> dict[str, Any]:
    """The settings by dotted key, without the prose; entries of lists of tables are counted from 0."""
    settings = {key: value for key, value in make_document(recipe).items() if key not in PROSE}
    return dict(_leaves(settings, ""))


def differences(first: Recipe, second: Recipe) -> list[Difference]:
    """Every setting in which two recipes differ, in the order of the schema."""
    ours, theirs = flatten(first), flatten(second)
    keys = [*ours, *(key for key in theirs if key not in ours)]
    return [Difference(key, ours.get(key), theirs.get(key)) for key in keys if ours.get(key) != theirs.get(key)]


def render_toml(recipe: Recipe) -> str:
    """The resolved recipe as a TOML file: no ``extends``, nothing left to defaults."""
    whole = make_document(recipe)
    plain = [_line(key, value) for key, value in whole.items() if not _is_table(value)]
    tables = [line for key, value in whole.items() if _is_table(value) for line in _table(key, value)]
    return "\n".join([*plain, *tables]) + "\n"


def format_value(value: Any) -> str:
    """A value as TOML writes it; 'not set' for None."""
    return "not set" if value is None else _value(value)


def _leaves(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
        parts = list(enumerate(value))
    else:
        return [(path, value)]
    return [leaf for key, part in parts for leaf in _leaves(part, f"{path}.{key}" if path else str(key))]


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _table(name: str, content: dict[str, Any]) -> list[str]:
    return ["", f"[{name}]", *(_line(key, value) for key, value in content.items())]


def _line(key: str, value: Any) -> str:
    line = f"{key} = {_value(value)}"
    if len(line) <= _LONGEST_LINE or not isinstance(value, list):
        return line
    return "\n".join([f"{key} = [", *(f"  {_value(entry)}," for entry in value), "]"])


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(entry) for entry in value) + "]"
    # Strings, numbers and booleans are written alike in JSON and TOML.
    return json.dumps(value, ensure_ascii=False)
