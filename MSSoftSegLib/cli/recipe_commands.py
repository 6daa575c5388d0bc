"""``mssoftseg recipes``: which methods ship, what each says, and in what two of them differ."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from MSSoftSegLib.cli.display import say
from MSSoftSegLib.training.recipe import find_recipe, list_recipe_names
from MSSoftSegLib.training.recipe_text import differences, format_value, make_document, render_toml

app = typer.Typer(help="Recipes, the published methods and ours as data: list, show, diff.")

AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
NameOrFile = Annotated[str, typer.Argument(help="name of a recipe, or a TOML file")]


@app.command("list")
def list_recipes(as_json: AsJson = False) -> None:
    """List the recipes that ship. Example: mssoftseg recipes list"""
    recipes = [find_recipe(name) for name in list_recipe_names()]
    if as_json:
        say(json.dumps([{"name": r.name, "title": r.title, "source": r.source} for r in recipes], indent=2))
        return
    width = max(len(recipe.name) for recipe in recipes)
    for recipe in recipes:
        say(f"{recipe.name:<{width}}  {recipe.title}")


@app.command("show")
def show(name: NameOrFile, as_json: AsJson = False) -> None:
    """Print a recipe in full, with its source and notes; the TOML can be edited and given to train.

    Example: mssoftseg recipes show kats2019 > mine.toml
    """
    recipe = find_recipe(name)
    say(json.dumps(make_document(recipe), indent=2) if as_json else render_toml(recipe).rstrip("\n"))


@app.command("diff")
def diff(first: NameOrFile, second: NameOrFile, as_json: AsJson = False) -> None:
    """List every setting in which two recipes differ, with both values.

    Example: mssoftseg recipes diff kats2019 kats2019-binary
    """
    one, other = find_recipe(first), find_recipe(second)
    found = differences(one, other)
    if as_json:
        say(json.dumps([asdict(each) for each in found], indent=2))
        return
    if not found:
        say(f"{one.name} and {other.name} have the same settings")
        return
    rows = [("key", one.name, other.name)]
    rows += [(each.key, format_value(each.first), format_value(each.second)) for each in found]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for row in rows:
        say(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}")
