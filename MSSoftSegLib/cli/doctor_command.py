"""``mssoftseg doctor``: what is there, what is missing, and the one command that mends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from MSSoftSegLib.cli.display import say
from MSSoftSegLib.errors import EnvironmentLack

INSTALL_QUESTION = (
    "This downloads HD-BET (Apache-2.0) and its packages from the package index (about 2 GB installed) into an environment of "
    "its own, and its weights (about 1 GB) from Zenodo record 14445620, where their terms stand: no license of the weights "
    "that could be verified was found. Go on?"
)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    install_hd_bet: Annotated[
        bool, typer.Option("--install-hd-bet", help="make HD-BET's environment, after asking")
    ] = False,
    hd_bet_weights: Annotated[
        Path | None,
        typer.Option("--hd-bet-weights", help="install HD-BET's weights from this zip of its Zenodo record"),
    ] = None,
    python: Annotated[Path | None, typer.Option("--python", help="Python that the environment is made from")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Examine this machine; exit code 3 when segmenting cannot work.

    Example: mssoftseg doctor
    """
    if hd_bet_weights is not None:
        from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_download import install_weights_archive

        install_weights_archive(hd_bet_weights)
    if install_hd_bet:
        _install(python, yes=yes)
    from MSSoftSegLib.jobs.environment import examine, is_ready, make_document

    findings = examine()
    if as_json:
        say(json.dumps(make_document(findings), indent=2, ensure_ascii=False))
    else:
        table = Table("", "found", "to mend it", box=None)
        for finding in findings:
            table.add_row(finding.topic, finding.state, finding.remedy or "")
        Console().print(table)
    if not is_ready(findings):
        raise EnvironmentLack("this machine cannot segment yet", remedy="follow the last column above")


def _install(python: Path | None, *, yes: bool) -> None:
    """Ask, then make the environment and fetch the weights."""
    if not yes and not typer.confirm(INSTALL_QUESTION):
        return
    from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_download import download_hd_bet_weights
    from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import find_default_weights
    from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_install import install_hd_bet

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("HD-BET", total=1.0)
        install_hd_bet(
            python=python, progress=lambda fraction, line: bar.update(task, completed=fraction, description=line)
        )
        if not find_default_weights().exists():
            bar.update(task, completed=0.0, description="weights")
            weights = download_hd_bet_weights(progress=lambda fraction: bar.update(task, completed=fraction))
            bar.console.print(
                f"SHA-256 of the checkpoint, from now on the only one that is used: {weights.checkpoint_sha256}"
            )
