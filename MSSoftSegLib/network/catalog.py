"""Which models are installed: those that ship, and those that the user imported."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.network.bundle import DESCRIPTION_FILE, Bundle, read_bundle
from MSSoftSegLib.resources import resources_folder

DEFAULT_MODEL = "starter"


def user_models_folder() -> Path:
    """Where imported models live: outside checkout and extension, so that an update does not lose them."""
    override = os.environ.get("MSSOFTSEG_MODELS")
    return Path(override) if override else user_data_path("mssoftseg") / "models"


def installed_folders() -> dict[str, Path]:
    """Every installed model by name; an imported model hides a shipped one of the same name."""
    found: dict[str, Path] = {}
    for root in (resources_folder() / "Models", user_models_folder()):
        if root.is_dir():
            found.update({path.parent.name: path.parent for path in sorted(root.glob(f"*/{DESCRIPTION_FILE}"))})
    return found


def find_bundle(name_or_folder: str) -> Bundle:
    """The bundle of that name, or in that folder."""
    installed = installed_folders()
    if name_or_folder in installed:
        return read_bundle(installed[name_or_folder])
    folder = Path(name_or_folder)
    if folder.is_dir():
        return read_bundle(folder.resolve())
    known = ", ".join(sorted(installed)) or "none"
    raise RequestError(
        f"no model is called {folder.name!r}", remedy=f"choose an installed one ({known}) or give a bundle's folder"
    )
