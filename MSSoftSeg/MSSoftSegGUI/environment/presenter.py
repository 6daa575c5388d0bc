"""The environment page: what the worker's Python offers, models in and out, and text for a report.

Everything runs in the worker's interpreter, in a process of its own: what is shown is what a job will find.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from MSSoftSegGUI.environment.model_list import ModelEntry, list_installed_models
from MSSoftSegGUI.environment.view import EnvironmentRow, EnvironmentView
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.command_run import CommandAnswer, CommandRun
from MSSoftSegGUI.worker.end import MISSING_MODULE
from MSSoftSegGUI.worker.error_card import make_sentence
from MSSoftSegGUI.worker.interpreter import COMMAND_MODULE
from MSSoftSegGUI.worker.processes import ProcessCommand, ProcessFactory

MakeCommand = Callable[[str, tuple[str, ...]], ProcessCommand]


HD_BET = "HD-BET"


class EnvironmentPresenter:
    """make_command: the command for a module and its arguments in the chosen interpreter."""

    def __init__(
        self,
        make_process: ProcessFactory,
        make_command: MakeCommand,
        *,
        show: Callable[[EnvironmentView], None],
        on_models_changed: Callable[[], None] = lambda: None,
        host: str = "",
    ) -> None:
        """host: the application and its version, for "Copy diagnostics"."""
        self._make_process, self._make_command = make_process, make_command
        self._show, self._on_models_changed, self._host = show, on_models_changed, host
        self._run: CommandRun | None = None
        self._last_error = ""
        self.view = EnvironmentView()

    def check(self) -> None:
        """Look at the interpreter, its packages, the devices, memory, disk, models and HD-BET."""
        self._start(("doctor", "--json"), _("Checking…"), self._checked)

    def import_weights(self, folder: Path, *, overwrite: bool = False) -> None:
        """Check a model bundle's folder and copy it to the user's models."""
        arguments = ("models", "import", str(folder), *(("--overwrite",) if overwrite else ()))
        self._start(arguments, _("Importing the model…"), self._imported)

    def install_hd_bet(self, python: str = "") -> None:
        """Make HD-BET's environment and fetch its weights, after the user agreed. python: what the environment is made from."""
        arguments = ("doctor", "--json", "--install-hd-bet", "--yes", *(("--python", python) if python else ()))
        self._start(arguments, _("Installing HD-BET; this takes some minutes…"), self._installed_hd_bet)

    def install_hd_bet_weights(self, archive: Path) -> None:
        """Take HD-BET's weights from an archive on this computer."""
        arguments = ("doctor", "--json", "--hd-bet-weights", str(archive))
        self._start(arguments, _("Unpacking HD-BET’s weights…"), self._installed_hd_bet)

    def delete_downloaded(self) -> None:
        """Delete all imported models and downloaded HD-BET weights; what ships stays."""
        names = [entry.name for entry in self.models() if entry.imported]
        self._delete_next(names, done=0)

    def stop(self) -> None:
        """Kill what runs: the module closes."""
        if self._run is not None:
            self._run.stop()
            self._run = None
            self.view = dataclasses.replace(self.view, is_busy=False)

    def models(self) -> tuple[ModelEntry, ...]:
        """The models that can be chosen now."""
        return list_installed_models()

    def diagnostics(self) -> str:
        """Text to copy into a report: versions, findings, the last error; no path of a patient's file is in it."""
        program = self._make_command(COMMAND_MODULE, ()).program
        lines = [
            self._host,
            f"{platform.system()} {platform.release()}, {platform.machine()}",
            f"interpreter: {program}",
            *(f"{row.topic}: {row.state}" + (f" → {row.remedy}" if row.remedy else "") for row in self.view.rows),
            *(f"model {m.name}: {m.version} {m.license} {m.problem}".rstrip() for m in self.models()),
            self._last_error,
        ]
        home = str(Path.home())
        return "\n".join(line for line in lines if line).replace(home, "~")

    def _start(self, arguments: tuple[str, ...], message: str, answer: Callable[[CommandAnswer], None]) -> None:
        """Run one command; nothing happens while another one runs."""
        if self._run is not None:
            return
        self._change(is_busy=True, message=message, is_error=False)

        def ended(result: CommandAnswer) -> None:
            self._run = None
            self._last_error = "" if result.succeeded else result.error_output.strip()[-2000:]
            answer(result)

        self._run = CommandRun(self._make_process, self._make_command(COMMAND_MODULE, arguments), ended)

    def _checked(self, answer: CommandAnswer) -> None:
        # `doctor` ends with an exit code of its own when something is missing, and says what on standard output.
        document = _document(answer.output)
        if document is None:
            row = EnvironmentRow(_("Python"), _reason(answer), _("Install what is missing, or choose another Python."))
            self._change(is_busy=False, rows=(row,), is_ready=False, message=row.state, is_error=True)
            return
        rows = tuple(_row(finding) for finding in document["findings"])
        ready = bool(document.get("ready"))
        message = _("Ready to segment.") if ready else _("Something is missing: see the last column.")
        self._change(is_busy=False, rows=rows, is_ready=ready, message=message, is_error=not ready)

    def _installed_hd_bet(self, answer: CommandAnswer) -> None:
        if _document(answer.output) is None:
            self._change(is_busy=False, message=make_sentence(_reason(answer)), is_error=True)
            return
        self._checked(answer)
        state = next((row.state for row in self.view.rows if row.topic == HD_BET), "")
        if self.view.has_hd_bet:
            self._change(message=_("HD-BET is installed."), is_error=False)
        else:
            self._change(message=make_sentence(state), is_error=True)

    def _imported(self, answer: CommandAnswer) -> None:
        if answer.succeeded:
            message = make_sentence(answer.output.strip() or _("The model was imported."))
        else:
            message = make_sentence(_reason(answer).replace(" — choose another --out, or add --overwrite", ""))
        self._change(is_busy=False, message=message, is_error=not answer.succeeded)
        self._on_models_changed()

    def _delete_next(self, names: list[str], done: int) -> None:
        if not names:
            weights = _delete_hd_bet_weights()
            message = _("{count} imported models deleted.").format(count=done)
            self._change(is_busy=False, message=f"{message} {weights}".strip(), is_error=False)
            self._on_models_changed()
            return

        def answered(answer: CommandAnswer) -> None:
            if answer.succeeded:
                self._delete_next(names[1:], done + 1)
            else:
                self._change(is_busy=False, message=make_sentence(_reason(answer)), is_error=True)
                self._on_models_changed()

        self._start(("models", "remove", names[0], "--yes"), _("Deleting…"), answered)

    def _change(self, **changes: Any) -> None:
        self.view = dataclasses.replace(self.view, **changes)
        self._show(self.view)


def _document(output: str) -> dict[str, Any] | None:
    """The findings, or None where the output is none."""
    try:
        document = json.loads(output)
        for finding in document["findings"]:
            str(finding["topic"]), str(finding["state"])
    except (ValueError, KeyError, TypeError):
        return None
    return document


def _row(finding: Mapping[str, Any]) -> EnvironmentRow:
    """A finding; what a button mends is said by the button's name."""
    topic, state, remedy = finding["topic"], finding["state"], finding.get("remedy") or ""
    if topic != HD_BET or not remedy:
        return EnvironmentRow(topic, state, remedy)
    if not remedy.startswith("delete"):
        remedy = _("Optional: “Install HD-BET…”, or its weights from a file.")
    return EnvironmentRow(topic, state, remedy, is_optional=True)


def _reason(answer: CommandAnswer) -> str:
    """Why a command did not do what it was asked, in a sentence."""
    if answer.end.could_not_start:
        return _("This Python cannot be started: {reason}").format(reason=answer.end.could_not_start)
    if missing := MISSING_MODULE.match(answer.last_error_line):
        return _("This Python lacks the package {name}.").format(name=missing[1].partition(".")[0])
    return answer.last_error_line or _("The command stopped with exit code {code}.").format(code=answer.end.exit_code)


def _delete_hd_bet_weights() -> str:
    """Delete HD-BET's weights; a sentence if there were any."""
    try:
        from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import find_default_weights
    except ImportError:
        return ""
    folder = find_default_weights()
    if not folder.exists():
        return ""
    try:
        shutil.rmtree(folder)
    except OSError:
        return _("HD-BET’s weights could not be deleted; another program uses them.")
    return _("HD-BET’s weights deleted.")
