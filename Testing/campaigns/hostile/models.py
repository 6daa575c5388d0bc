"""What people give to ``mssoftseg models`` that is no model, or is one that must not be used: each with what must be answered.

A maker fills ``inputs``, and ``models`` with what is installed before, and returns the words of the command.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from MSSoftSegLib.network.promotion import PROMOTIONS_FILE
from Testing.campaigns.hostile.runs import CANARY
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

WEIGHTS = "weights.safetensors"
ESCAPE = "\x1b]0;owned\x07\x1b[2J"


def bundle(folder: Path, *, name: str = "", **fields: Any) -> Path:
    """A model whose description says this; its checksums hold."""
    write_random_bundle(folder.with_name("made"), widths=(4, 6))
    return described(folder.with_name("made").rename(folder), name=name or folder.name, **fields)


def described(folder: Path, **fields: Any) -> Path:
    """The bundle with other fields, and the checksums of the weights that lie there now."""
    document = json.loads((folder / "model.json").read_text())
    for each in document["files"]:
        if (folder / each["name"]).is_file():
            each["sha256"] = hashlib.sha256((folder / each["name"]).read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps({**document, **fields}))
    return folder


def weights(folder: Path, content: bytes) -> Path:
    """The bundle with other weights, whose checksum holds."""
    (folder / WEIGHTS).write_bytes(content)
    return described(folder)


def bomb() -> bytes:
    """A pickle that leaves a file where it is loaded."""

    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (CANARY,))

    return pickle.dumps(Bomb())


def changed_values(folder: Path, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Path:
    save_file(change(load_file(str(folder / WEIGHTS))), str(folder / WEIGHTS))
    return described(folder)


def imported(folder: Path, *more: str) -> list[str]:
    return ["models", "import", str(folder), *more]


def a_file(inputs: Path, name: str, content: bytes) -> list[str]:
    (inputs / name).write_bytes(content)
    return imported(inputs / name)


def a_zip(inputs: Path, models: Path) -> list[str]:
    folder = bundle(inputs / "little")
    with zipfile.ZipFile(inputs / "little.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"../../{path.name}")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return imported(inputs / "little.zip")


def linked(inputs: Path, name: str, target: str) -> list[str]:
    folder = bundle(inputs / "little")
    (folder / name).unlink()
    (folder / name).symlink_to(target)
    return imported(folder)


def a_pipe(inputs: Path, name: str) -> list[str]:
    folder = bundle(inputs / "little")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    return imported(folder)


def a_folder_instead(inputs: Path, name: str) -> list[str]:
    folder = bundle(inputs / "little")
    (folder / name).unlink()
    (folder / name).mkdir()
    return imported(folder)


def a_part_missing(inputs: Path, name: str) -> list[str]:
    folder = bundle(inputs / "little")
    (folder / name).unlink()
    return imported(folder)


def other_text(inputs: Path, name: str, content: bytes, *command: str) -> list[str]:
    folder = bundle(inputs / "little")
    (folder / name).write_bytes(content)
    return list(command) or imported(folder)


def with_field(**fields: Any) -> Callable[[Path, Path], list[str]]:
    return lambda inputs, models: imported(bundle(inputs / "little", **fields))


def with_weights(content: Callable[[bytes], bytes]) -> Callable[[Path, Path], list[str]]:
    def make(inputs: Path, models: Path) -> list[str]:
        folder = bundle(inputs / "little")
        return imported(weights(folder, content((folder / WEIGHTS).read_bytes())))

    return make


def with_values(change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Callable[[Path, Path], list[str]]:
    return lambda inputs, models: imported(changed_values(bundle(inputs / "little"), change))


def altered(inputs: Path, models: Path) -> list[str]:
    folder = bundle(inputs / "little")
    raw = bytearray((folder / WEIGHTS).read_bytes())
    raw[-1] ^= 1
    (folder / WEIGHTS).write_bytes(raw)
    return imported(folder)


def lfs_pointer(inputs: Path, models: Path) -> list[str]:
    folder = bundle(inputs / "little")
    size, digest = (folder / WEIGHTS).stat().st_size, hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n"
    (folder / WEIGHTS).write_text(text)
    return imported(folder)


def not_a_number(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    first = next(iter(values))
    return {**values, first: np.full_like(values[first], np.nan)}


def one_less(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return dict(list(values.items())[1:])


def installed_twice(inputs: Path, models: Path) -> list[str]:
    bundle(models / "little")
    return imported(bundle(inputs / "little"))


def twins(models: Path, *command: str) -> list[str]:
    """Two folders whose models are called alike."""
    bundle(models / "one")
    shutil.copytree(models / "one", models / "two")
    return ["models", *command]


def locked(path: Path, *command: str) -> list[str]:
    path.chmod(0)
    return list(command)


def beside_a_locked_one(models: Path, name: str, *command: str) -> list[str]:
    bundle(models / "good")
    return locked(bundle(models / "locked") / name, "models", *command)


def with_history(models: Path, content: bytes, *command: str) -> list[str]:
    models.mkdir(exist_ok=True)
    (models / PROMOTIONS_FILE).write_bytes(content)
    return ["models", *command]


def decision(**fields: Any) -> bytes:
    plain = {
        "time": "2026-01-01T00:00:00+00:00",
        "model": "little",
        "sha256": "0" * 64,
        "version": "1",
        "verdict": None,
    }
    plain |= {"decision": "default", "reason": "r", "accepted_worse": False, "previous": "starter"}
    return (json.dumps({**plain, **fields}) + "\n").encode()


def plain(*words: str) -> Callable[[Path, Path], list[str]]:
    return lambda inputs, models: ["models", *words]


def with_little(*words: str) -> Callable[[Path, Path], list[str]]:
    def make(inputs: Path, models: Path) -> list[str]:
        bundle(models / "little")
        return ["models", *words]

    return make


def linked_model(inputs: Path, models: Path) -> list[str]:
    models.mkdir(exist_ok=True)
    (models / "mine").symlink_to(bundle(inputs / "mine"))
    return ["models", "remove", "mine", "--yes"]


def models_is_a_file(inputs: Path, models: Path, *words: str) -> list[str]:
    models.write_text("a file")
    return ["models", *words]


def marked(inputs: Path) -> list[str]:
    """As Notepad saves it: in 16 bits with a mark in front."""
    folder = bundle(inputs / "little")
    (folder / "model.json").write_bytes((folder / "model.json").read_text().encode("utf-16"))
    return imported(folder)


def no_right(inputs: Path, models: Path) -> list[str]:
    models.mkdir()
    return locked(models, *imported(bundle(inputs / "little")))


def damaged_installed(inputs: Path, models: Path) -> list[str]:
    (bundle(models / "bad") / "model.json").write_bytes(b"{")
    return ["models", "verify", "bad"]


def with_card(models: Path, text: str) -> list[str]:
    (bundle(models / "little") / "card.md").write_text(text)
    return ["models", "card", "little"]


def with_installed(**fields: Any) -> Callable[[Path, Path], list[str]]:
    def make(inputs: Path, models: Path) -> list[str]:
        bundle(models / "little", **fields)
        return ["models", "list"]

    return make


def history_is_a_folder(inputs: Path, models: Path) -> list[str]:
    (models / PROMOTIONS_FILE).mkdir(parents=True)
    return ["models", "list"]


def promoted(path: str, *more: str) -> list[str]:
    return ["models", "promote", path, *more]


def beside_a_damaged_one(models: Path, *command: str) -> list[str]:
    """A good model to decide on, among others of which one cannot be read."""
    damaged_installed(models, models)
    bundle(models / "little")
    return ["models", *command]


def name_of_a_damaged_one(inputs: Path, models: Path) -> list[str]:
    damaged_installed(inputs, models)
    return promoted(str(bundle(inputs / "bad")), "--candidate")
