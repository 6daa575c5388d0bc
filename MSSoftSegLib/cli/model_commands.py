"""``mssoftseg models``: which models are installed, and whether they are what they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from MSSoftSegLib.cli import options
from MSSoftSegLib.cli.display import make_harmless, say
from MSSoftSegLib.cli.job_commands import run_job
from MSSoftSegLib.errors import BadBundle, MSSoftSegError, RequestError
from MSSoftSegLib.network.bundle import read_bundle
from MSSoftSegLib.network.catalog import find_bundle, find_default_model, find_installed, find_user_models_folder
from MSSoftSegLib.network.installing import install_bundle
from MSSoftSegLib.network.promotion import read_history
from MSSoftSegLib.result_folder import remove_abandoned, remove_whole

app = typer.Typer(help="Installed models: list, verify, import, promote, history, remove, card.")

Name = Annotated[str, typer.Argument(help="name of an installed model")]


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """List the installed models; the default is marked. Example: mssoftseg models list"""
    rows, default = [], find_default_model()
    for name, folder in find_installed().items():
        try:
            description = read_bundle(folder).description
            row = {"name": name, "version": description.version, "licence": description.licence, "usable": True}
        except BadBundle as problem:
            row = {"name": name, "version": "?", "licence": "?", "usable": False, "problem": problem.message}
        rows.append({**row, "default": name == default})
    if as_json:
        say(json.dumps(rows, indent=2))
        return
    for row in rows:
        mark = "*" if row["default"] else " "
        text = f"{mark} {row['name']:<20} {row['version']:<10} {row['licence']}" + (
            "" if row["usable"] else "  DAMAGED"
        )
        say(make_harmless(text, one_line=True))


@app.command("verify")
def verify_models(name: Annotated[str | None, typer.Argument(help="one model; default: all")] = None) -> None:
    """Check descriptions, checksums and weights; exit code 2 when one does not hold. Example: mssoftseg models verify"""
    from MSSoftSegLib.network.weights import check_weights

    folders = find_installed()
    names = [name] if name is not None else sorted(folders)
    damaged = []
    for each in names:
        try:
            check_weights(find_bundle(each))
            say(f"{each}: ok")
        except MSSoftSegError as problem:
            say(make_harmless(f"{each}: {problem.message}", one_line=True))
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
    install_bundle(bundle, bundle.description.name, overwrite=overwrite)
    say(f"{bundle.description.name} {bundle.description.version} imported")


@app.command("remove")
def remove_model(name: Name, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Delete an imported model. Example: mssoftseg models remove NAME"""
    folder = find_user_models_folder() / name
    remove_abandoned(folder)
    if name not in find_installed() or not folder.is_dir() or folder.parent != find_user_models_folder():
        raise RequestError(
            f"no imported model is called {name!r}", remedy="see mssoftseg models list; shipped models stay"
        )
    if not yes and not typer.confirm(f"Delete the model {name}?"):
        return
    was_default = find_default_model() == name
    remove_whole(folder, folder)
    say(f"{name} removed" + (f"; {find_default_model()} is the default again" if was_default else ""))


@app.command("card")
def card(
    name: Annotated[str | None, typer.Argument(help="name of an installed model (default: the default one)")] = None,
) -> None:
    """Print a model's card. Example: mssoftseg models card starter"""
    say(make_harmless(find_bundle(find_default_model() if name is None else name).card))


@app.command("promote")
def promote(
    model: Annotated[str, typer.Argument(help="name of an installed model, or a bundle's folder")],
    candidate: Annotated[bool, typer.Option("--candidate", help="install it, but not as the default")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="delete it")] = False,
    accept_worse: Annotated[
        bool, typer.Option("--accept-worse", help="although it was found worse than the default, or was not compared")
    ] = False,
    json_events: options.JsonEvents = False,
    debug: options.Debug = False,
) -> None:
    """Make a model the default one (starter: go back to the model that ships). Example: mssoftseg models promote MODEL"""
    if candidate and discard:
        raise RequestError("a model is either kept or discarded", remedy="give --candidate or --discard")
    decision = "candidate" if candidate else "discard" if discard else "default"
    spec = {"model": model, "decision": decision, "accept_worse": accept_worse}
    outcome = run_job("promote-model", spec, json_events=json_events, debug=debug)
    if outcome.error is not None:
        raise outcome.error
    if not json_events:
        say(f"{Path(model).name}: {decision}; the default is {find_default_model()}")


@app.command("history")
def show_history(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """What was decided on models, the oldest first. Example: mssoftseg models history"""
    entries = read_history(find_user_models_folder())
    if as_json:
        say(json.dumps([entry.model_dump() for entry in entries], indent=2))
        return
    for entry in entries:
        accepted = " (accepted all the same)" if entry.accepted_worse else ""
        text = f"{entry.time}  {entry.decision:<9} {entry.model:<20} {entry.reason}{accepted}"
        say(make_harmless(text, one_line=True))
