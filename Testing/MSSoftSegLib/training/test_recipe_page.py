"""Docs/recipes.md says every key of the schema, with its default, and no key that there is not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from MSSoftSegLib.network.description import ModelInput, NetworkDescription
from MSSoftSegLib.training.recipe import AdaptationSize, LossTerm, Phase, Recipe, find_recipe
from MSSoftSegLib.training.recipe_text import format_value

PAGE = (Path(__file__).resolve().parents[3] / "Docs" / "recipes.md").read_text(encoding="utf-8")
NETWORKS = get_args(get_args(NetworkDescription)[0])
PARTS = {
    "[data]": "data",
    "[labels]": "labels",
    "[activation]": "activation",
    "[sampling]": "sampling",
    "[augmentation]": "augmentation",
    "[training]": "training",
    "[postprocessing]": "postprocessing",
    "[pseudo_labels]": "pseudo_labels",
    "[adaptation]": "adaptation",
}
LISTS = {
    "[[data.inputs]]": ModelInput,
    "[[loss]]": LossTerm,
    "[[training.phases]]": Phase,
    "[[adaptation.sizes]]": AdaptationSize,
}


def models() -> Iterator[tuple[str, list[type[BaseModel]]]]:
    """Headings of the page, and the schema of what stands below each."""
    for heading, name in PARTS.items():
        annotation = Recipe.model_fields[name].annotation
        # "X | None" is an X that may be absent.
        yield heading, [next(one for one in (annotation, *get_args(annotation)) if hasattr(one, "model_fields"))]
    yield from ((heading, [model]) for heading, model in LISTS.items())
    yield "[network]", list(NETWORKS)


def rows(heading: str) -> dict[str, tuple[str, str]]:
    """Default and unit or values by key, as the page has them."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `([a-z0-9_]+)` \| ([^|]+) \| ([^|]+) \|[^|]*\|$", section, flags=re.MULTILINE)
    assert len({key for key, *_ in found}) == len(found), "a key stands there twice"
    return {key: (default.strip(), values.strip()) for key, default, values in found}


def stated(field: FieldInfo) -> str:
    """A field's default as the page writes it."""
    if field.is_required():
        return "required"
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return format_value(default)


def choices(field: FieldInfo) -> list[str]:
    """The words that a field takes, of those with a closed list of words."""
    annotations = [field.annotation, *get_args(field.annotation)]
    return [
        word for one in annotations if get_origin(one) is Literal for word in get_args(one) if isinstance(word, str)
    ]


@pytest.mark.parametrize(
    ("heading", "schemas"), list(models()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_key_stands_on_the_page_with_its_default_and_its_choices(heading, schemas):
    fields = {key: field for schema in schemas for key, field in schema.model_fields.items()}
    page = rows(heading)
    assert set(page) == set(fields)
    for schema in schemas:
        for key, field in schema.model_fields.items():
            default, values = page[key]
            assert default == stated(field), key
            for word in choices(field):
                assert re.search(rf"(^|\W){re.escape(word)}(\W|$)", values), f"{heading} {key}: {word}"


def test_the_top_level_names_all_that_is_not_a_table_of_its_own():
    page = rows("Top level")
    tables = {*PARTS.values(), "network"}
    assert set(page) == set(Recipe.model_fields) - tables
    for key, (default, _) in page.items():
        assert default == stated(Recipe.model_fields[key])


def test_the_pages_example_is_a_recipe(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    path = tmp_path / "mine.toml"
    path.write_text(example, encoding="utf-8")
    recipe = find_recipe(str(path))
    said = tomllib.loads(example)
    assert recipe.labels.radius_mm == said["labels"]["radius_mm"] != find_recipe(said["extends"]).labels.radius_mm
    assert recipe.labels.merge == find_recipe(said["extends"]).labels.merge
