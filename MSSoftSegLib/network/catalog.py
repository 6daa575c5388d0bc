"""Which models are installed: those that ship, and those that the user imported; and which one is used unless named."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from platformdirs import user_data_path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.network.bundle import DESCRIPTION_FILE, Bundle, read_bundle
from MSSoftSegLib.network.promotion import read_history
from MSSoftSegLib.resources import find_resources

SHIPPED_MODEL = "starter"


def find_default_model() -> str:
    """The model that is used where none is named: the user's choice, or the one that ships.

    A choice holds for the very model that was chosen: one that was removed, or replaced under its name, falls back.
    """
    chosen = [promotion for promotion in read_history(find_user_models_folder()) if promotion.decision == "default"]
    if not chosen or chosen[-1].model == SHIPPED_MODEL:
        return SHIPPED_MODEL
    return chosen[-1].model if _is_installed(chosen[-1].model, chosen[-1].sha256) else SHIPPED_MODEL


def _is_installed(name: str, sha256: str) -> bool:
    return has_checksum(find_user_models_folder() / name, sha256)


def has_checksum(folder: Path, sha256: str) -> bool:
    """Whether a folder holds the bundle of this checksum; one that is damaged or cannot be read is another one."""
    try:
        return hashlib.sha256((folder / DESCRIPTION_FILE).read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def find_user_models_folder() -> Path:
    """Where imported models live: outside checkout and extension, so that an update does not lose them."""
    override = os.environ.get("MSSOFTSEG_MODELS")
    return Path(override) if override else user_data_path("mssoftseg") / "models"


def find_installed() -> dict[str, Path]:
    """Every installed model by name; an imported model hides a shipped one of the same name."""
    found: dict[str, Path] = {}
    for root in (find_resources() / "Models", find_user_models_folder()):
        if root.is_dir():
            described = sorted(path.parent for path in root.glob(f"*/{DESCRIPTION_FILE}"))
            # Hidden is what a killed run was putting there or taking away.
            found.update({folder.name: folder for folder in described if not folder.name.startswith(".")})
    return found


def find_bundle(name_or_folder: str) -> Bundle:
    """The bundle of that name, or in that folder."""
    installed = find_installed()
    if name_or_folder in installed:
        return read_bundle(installed[name_or_folder])
    folder = Path(name_or_folder)
    if folder.exists():
        return read_bundle(folder.resolve())
    known = ", ".join(sorted(installed)) or "none"
    raise RequestError(
        f"no model is called {folder.name!r}", remedy=f"choose an installed one ({known}) or give a bundle's folder"
    )
