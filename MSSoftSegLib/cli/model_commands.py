"""``mssoftseg models``: which models are installed, and whether they are what they were."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli.display import say
from MSSoftSegLib.errors import BadBundle, MSSoftSegError, RequestError
from MSSoftSegLib.network.bundle import read_bundle, verify
from MSSoftSegLib.network.catalog import DEFAULT_MODEL, find_bundle, installed_folders, user_models_folder
from MSSoftSegLib.result_folder import complete_or_absent

app = typer.Typer(help="Installed models: list, verify, import, remove, card.")

Name = Annotated[str, typer.Argument(help="name of an installed model")]


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """List the installed models; the default is marked. Example: mssoftseg models list"""
    rows = []
    for name, folder in installed_folders().items():
        try:
            description = read_bundle(folder).description
            row = {"name": name, "version": description.version, "licence": description.licence, "usable": True}
        except BadBundle as problem:
            row = {"name": name, "version": "?", "licence": "?", "usable": False, "problem": problem.message}
        rows.append({**row, "default": name == DEFAULT_MODEL})
    if as_json:
        say(json.dumps(rows, indent=2))
        return
    for row in rows:
        mark = "*" if row["default"] else " "
        say(f"{mark} {row['name']:<20} {row['version']:<10} {row['licence']}" + ("" if row["usable"] else "  DAMAGED"))


@app.command("verify")
def verify_models(name: Annotated[str | None, typer.Argument(help="one model; default: all")] = None) -> None:
    """Check descriptions and checksums; exit code 2 when one does not hold. Example: mssoftseg models verify"""
    folders = installed_folders()
    names = [name] if name is not None else sorted(folders)
    damaged = []
    for each in names:
        try:
            verify(find_bundle(each))
            say(f"{each}: ok")
        except MSSoftSegError as problem:
            say(f"{each}: {problem.message}")
            damaged.append(problem)
    if damaged:
        raise damaged[0]


@app.command("import")
def import_model(
    folder: Annotated[Path, typer.Argument(help="a model bundle's folder")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace an imported model of the same name")] = False,
) -> None:
    """Copy a bundle to the user's models after checking it. Example: mssoftseg models import FOLDER"""
    bundle = read_bundle(folder.resolve())
    verify(bundle)
    target = user_models_folder() / bundle.description.name
    names = ["model.json", "card.md", *(file.name for file in bundle.description.files)]
    with complete_or_absent(target, overwrite=overwrite) as partial:
        # Only what the description names is taken along.
        for name in names:
            shutil.copyfile(bundle.folder / name, partial / name)
    say(f"{bundle.description.name} {bundle.description.version} imported")


@app.command("remove")
def remove_model(name: Name, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Delete an imported model. Example: mssoftseg models remove NAME"""
    folder = user_models_folder() / name
    if name not in installed_folders() or not folder.is_dir() or folder.parent != user_models_folder():
        raise RequestError(
            f"no imported model is called {name!r}", remedy="see mssoftseg models list; shipped models stay"
        )
    if not yes and not typer.confirm(f"Delete the model {name}?"):
        return
    shutil.rmtree(folder)
    say(f"{name} removed")


@app.command("card")
def card(name: Name = DEFAULT_MODEL) -> None:
    """Print a model's card. Example: mssoftseg models card starter"""
    say(find_bundle(name).card)
