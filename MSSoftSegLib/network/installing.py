"""Putting a bundle among the user's models, and taking it away again."""

from __future__ import annotations

import shutil
from pathlib import Path

from MSSoftSegLib.errors import OutputExists, RequestError
from MSSoftSegLib.network.bundle import CARD_FILE, DESCRIPTION_FILE, Bundle
from MSSoftSegLib.network.catalog import SHIPPED_MODEL, find_installed, find_user_models_folder, has_checksum
from MSSoftSegLib.result_folder import remove_whole, write_completely


def install_bundle(bundle: Bundle, name: str, *, overwrite: bool = False) -> Path:
    """Copy what the description names, and nothing else, to the user's models; the installed bundle's folder.

    What cannot be used is refused here, not at the first exam: weights that do not fit the description, or are no numbers.
    """
    # Torch takes seconds to import; listings do without.
    from MSSoftSegLib.network.weights import check_weights

    if name == SHIPPED_MODEL:
        raise RequestError(
            f"{name!r} is the name of the model that ships", remedy="give the model, that is its folder, another name"
        )
    check_weights(bundle)
    target = find_user_models_folder() / name
    try:
        with write_completely(target, overwrite=overwrite) as partial:
            for file in (DESCRIPTION_FILE, CARD_FILE, *(weights.name for weights in bundle.description.files)):
                shutil.copyfile(bundle.folder / file, partial / file)
    except OutputExists:
        raise OutputExists(
            f"among your models something is called {name} already",
            remedy="add --overwrite to replace a model, or see mssoftseg models list and remove it",
        ) from None
    except RequestError as problem:
        # What it says of --out is for commands that have one.
        raise RequestError(
            problem.message,
            remedy="ask for permission to write to your models, or name another folder with MSSOFTSEG_MODELS",
        ) from None
    return target


def install_beside(bundle: Bundle) -> Path:
    """Install under the model's name, or under name-2, name-3 … where other models have it: none is replaced.

    A model that is installed already, by its checksum, stays where it is.
    """
    installed = find_installed()
    for folder in installed.values():
        if folder.resolve() == bundle.folder.resolve():
            return folder
    base = bundle.description.name
    names = [base, *(f"{base}-{number}" for number in range(2, 100))]
    for name in names:
        if name not in installed:
            return install_bundle(bundle, name)
        if has_checksum(installed[name], bundle.sha256):
            return installed[name]
    raise RequestError(f"there are too many models called {base}", remedy="remove some with mssoftseg models remove")


def remove_bundle(folder: Path, bundle: Bundle) -> None:
    """Delete a bundle's own files; the folder goes too where nothing of anybody else is in it, and then at once.

    Without its description a folder is no model: it goes first, so that never half a model is listed.
    """
    names = [DESCRIPTION_FILE, CARD_FILE, *(weights.name for weights in bundle.description.files)]
    if {path.name for path in folder.iterdir()} <= {*names, "curves"}:
        remove_whole(folder, folder)
        return
    for name in names:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "curves", ignore_errors=True)
