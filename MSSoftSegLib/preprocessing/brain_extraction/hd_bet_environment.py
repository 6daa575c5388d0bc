"""Where HD-BET lives: an environment of its own, because its packages must never enter the main one.

Nothing here starts a process or touches the network; looking for HD-BET is cheap enough for every `doctor`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from MSSoftSegLib.errors import PackageMissing

INSTALL_COMMAND = "mssoftseg doctor --install-hd-bet"

PYTHON_VARIABLE = "MSSOFTSEG_HD_BET_PYTHON"
WEIGHTS_VARIABLE = "MSSOFTSEG_HD_BET_WEIGHTS"
SHA256_VARIABLE = "MSSOFTSEG_HD_BET_SHA256"

# Written last when an environment is made: a virtual environment cannot be renamed into place, so an
# environment without this file is one whose installation was cut short.
COMPLETION_MARKER = "mssoftseg-hd-bet.json"


@dataclass(frozen=True)
class HdBetEnvironment:
    """The other interpreter, the folder of the weights, and the checksum that the user vouches for.

    completion_marker is None for an interpreter that the user named: then only its file is asked for.
    accepted_sha256: 64 hexadecimal digits of a checkpoint that is accepted besides the known ones.
    """

    interpreter: Path
    weights_folder: Path
    completion_marker: Path | None = None
    accepted_sha256: str | None = None


def find_default_folder() -> Path:
    """The folder of all that belongs to HD-BET: in the user's data, where no update of ours removes it."""
    return platformdirs.user_data_path("mssoftseg") / "hd-bet"


def find_default_environment() -> Path:
    """Where `install_hd_bet` makes the environment unless told otherwise."""
    return find_default_folder() / "environment"


def find_default_weights() -> Path:
    """Where the weights are looked for unless told otherwise."""
    return find_default_folder() / "weights"


def name_interpreter(environment_folder: Path, *, windows: bool = os.name == "nt") -> Path:
    """The interpreter of a virtual environment.

    Not resolved: the link itself is what tells Python which environment it runs in.
    """
    return environment_folder / ("Scripts/python.exe" if windows else "bin/python")


def find_configured_hd_bet(variables: Mapping[str, str] = os.environ) -> HdBetEnvironment:
    """The environment that the variables name, else the one under the user's data folder."""
    python = variables.get(PYTHON_VARIABLE)
    weights = variables.get(WEIGHTS_VARIABLE)
    folder = find_default_environment()
    return HdBetEnvironment(
        interpreter=_absolute(python) if python else name_interpreter(folder),
        weights_folder=_absolute(weights) if weights else find_default_weights(),
        completion_marker=None if python else folder / COMPLETION_MARKER,
        accepted_sha256=variables.get(SHA256_VARIABLE) or None,
    )


def require_interpreter(environment: HdBetEnvironment) -> Path:
    """The interpreter of a completely installed environment; PackageMissing names the command to make one."""
    marker = environment.completion_marker
    if marker is not None and not marker.is_file():
        state = "was not installed completely" if environment.interpreter.exists() else "is not installed"
        raise PackageMissing(f"HD-BET {state}", remedy=_install_remedy())
    if not environment.interpreter.is_file():
        raise PackageMissing(
            f"{PYTHON_VARIABLE} names an interpreter that is not there: {environment.interpreter.name}",
            remedy=f"correct the variable, or unset it and run `{INSTALL_COMMAND}`",
        )
    return environment.interpreter


def _absolute(path: str) -> Path:
    """The path as seen from here, with links kept: an environment's interpreter is such a link."""
    return Path(path).expanduser().absolute()


def _install_remedy() -> str:
    return f"run `{INSTALL_COMMAND}`, name its interpreter in {PYTHON_VARIABLE}, or choose --brain atlas"
