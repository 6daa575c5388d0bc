"""Which Python runs the worker, and with which variables.

Slicer's launcher sets PYTHONHOME, PYTHONPATH and LD_LIBRARY_PATH for Slicer's own Python; any other interpreter must
not see them. Both find ``MSSoftSegLib`` by PYTHONPATH. The variables of Slicer's own process are never changed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegGUI.worker.processes import ProcessCommand

WORKER_MODULE = "MSSoftSegLib.jobs.worker"
COMMAND_MODULE = "MSSoftSegLib"
FOREIGN_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE", "PYTHONSTARTUP")


@dataclass(frozen=True)
class Interpreter:
    """A Python program. own: it is Slicer's, and runs with Slicer's variables."""

    program: str
    own: bool


def make_module_command(
    interpreter: Interpreter,
    module: str = WORKER_MODULE,
    arguments: tuple[str, ...] = (),
    *,
    library_folder: Path,
    slicer_environment: Mapping[str, str],
    startup_environment: Mapping[str, str],
) -> ProcessCommand:
    """``python -m module arguments`` in that interpreter.

    library_folder: holds ``MSSoftSegLib``. slicer_environment: this process's variables. startup_environment: those that
    Slicer was started with.
    """
    own_path = slicer_environment.get("PYTHONPATH", "") if interpreter.own else ""
    given = slicer_environment if interpreter.own else startup_environment
    variables = {name: value for name, value in given.items() if interpreter.own or name not in FOREIGN_VARIABLES}
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, (str(library_folder), own_path)))
    variables["PYTHONUTF8"] = "1"
    return ProcessCommand(interpreter.program, ("-m", module, *arguments), variables)


def find_library_folder() -> Path:
    """The folder that holds ``MSSoftSegLib`` as Slicer's Python finds it; it is not imported for that."""
    from importlib.util import find_spec

    spec = find_spec("MSSoftSegLib")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("MSSoftSegLib")
    return Path(next(iter(spec.submodule_search_locations))).parent
