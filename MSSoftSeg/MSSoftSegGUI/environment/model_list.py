"""Which models can be chosen: read from their folders, without torch, without a process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegGUI.widgets.translation import tr as _

CARD_FILE, DESCRIPTION_FILE = "card.md", "model.json"


@dataclass(frozen=True)
class ModelEntry:
    """One model. problem: why it cannot be used, else "". imported: lies in the user's folder and can be deleted."""

    name: str
    folder: Path
    version: str = ""
    license: str = ""
    intended_use: str = ""
    card: str = ""
    problem: str = ""
    imported: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether it can be chosen."""
        return not self.problem

    @property
    def title(self) -> str:
        """What the list of models shows."""
        if self.problem:
            return _("{name} – damaged").format(name=self.name)
        return f"{self.name} {self.version} · {self.license}"


def list_installed_models() -> tuple[ModelEntry, ...]:
    """Every installed model; the default one first, then by name."""
    default, folders, user_folder = _catalog()
    entries = [_entry(name, folder, user_folder) for name, folder in folders.items()]
    return tuple(sorted(entries, key=lambda entry: (entry.name != default, entry.name)))


def _catalog() -> tuple[str, dict[str, Path], Path | None]:
    """The default model, folders by name, and where imported ones lie (None where that cannot be known yet)."""
    try:
        from MSSoftSegLib.network.catalog import find_default_model, find_installed, find_user_models_folder
    except ImportError:
        # Slicer's Python before anything was installed: the models that ship can be listed all the same.
        from MSSoftSegLib.resources import find_resources

        shipped = sorted((find_resources() / "Models").glob(f"*/{DESCRIPTION_FILE}"))
        return "starter", {path.parent.name: path.parent for path in shipped}, None
    return find_default_model(), find_installed(), find_user_models_folder()


def _entry(name: str, folder: Path, user_folder: Path | None) -> ModelEntry:
    imported = user_folder is not None and folder.parent == user_folder
    try:
        description = json.loads((folder / DESCRIPTION_FILE).read_text(encoding="utf-8"))
        return ModelEntry(
            name=name,
            folder=folder,
            version=str(description["version"]),
            license=str(description["licence"]),
            intended_use=str(description["intended_use"]),
            card=(folder / CARD_FILE).read_text(encoding="utf-8"),
            problem=_missing_weights(folder, description["files"]),
            imported=imported,
        )
    except (OSError, ValueError, KeyError, TypeError):
        problem = _("The model’s description or card is missing or damaged.")
        return ModelEntry(name=name, folder=folder, problem=problem, imported=imported)


def _missing_weights(folder: Path, files: list[dict[str, str]]) -> str:
    """Checksums are the worker's to check: reading the weights takes too long for a list."""
    missing = [file["name"] for file in files if not (folder / file["name"]).is_file()]
    return _("The weight file {name} is missing.").format(name=missing[0]) if missing else ""
