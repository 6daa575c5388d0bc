"""HD-BET's weights: never fetched unasked, and never another checkpoint than the one that was used first.

The checkpoint is a pickle, and loading a pickle can run any code that is in it. So the runner reads it with an
unpickler that builds tensors, numbers, strings and containers, and nothing else. Installing or first using a
checkpoint writes its SHA-256 down beside the weights' folder; another one is refused from then on, by the
runner too, from the bytes that it loads. Who knows better states the checksum that is expected.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from MSSoftSegLib.errors import WeightsMissing
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import (
    INSTALL_COMMAND,
    SHA256_VARIABLE,
    WEIGHTS_VARIABLE,
    HdBetEnvironment,
)

LOGGER = logging.getLogger(__name__)
PLANS_FILE = "plans.json"
DATASET_FILE = "dataset.json"
CHECKPOINT_FILE = "fold_all/checkpoint_final.pth"
WEIGHTS_FILES = (PLANS_FILE, DATASET_FILE, CHECKPOINT_FILE)

# Empty on purpose: no SHA-256 of HD-BET 2's checkpoint that can be traced to its authors was found. One
# belongs here only with its source. Until then the first use counts, or what the user states (MSSOFTSEG_HD_BET_SHA256).
KNOWN_CHECKPOINT_SHA256: frozenset[str] = frozenset()

# plans.json names the Python classes that the network is built from; only these packages may be named.
TRUSTED_CODE = ("dynamic_network_architectures.", "torch.nn.")

_SHA256 = re.compile(r"[0-9a-f]{64}")


class WeightsRefused(WeightsMissing):
    """Weights are there, but they are not those that were accepted, or would run foreign code."""

    code: ClassVar[str] = "weights-refused"


def compute_sha256(file: Path) -> str:
    """SHA-256 of a file, 64 lower-case hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def require_weights(environment: HdBetEnvironment, *, known: Collection[str] = KNOWN_CHECKPOINT_SHA256) -> str:
    """The SHA-256 of the configured checkpoint, which is then the only one that the runner may load.

    WeightsMissing when a file is not there, WeightsRefused when the checkpoint is another than the one that was
    stated or first used, or the plans name foreign code.
    """
    folder = environment.weights_folder
    missing = [name for name in WEIGHTS_FILES if not (folder / name).is_file()]
    if missing:
        raise WeightsMissing(f"HD-BET's weights are not here: no {', '.join(missing)}", remedy=_missing_remedy())
    _require_trusted_plans(folder / PLANS_FILE)
    actual = compute_sha256(folder / CHECKPOINT_FILE)
    if actual not in known:
        _require_stated(actual, environment.accepted_sha256)
        if environment.accepted_sha256 is None:
            _require_unchanged(actual, folder)
    return actual


def record_weights(folder: Path, sha256: str) -> None:
    """Write down which checkpoint a folder of weights holds; where nothing may be written, that is said in the log."""
    record = name_record_file(folder)
    partial = record.with_name(f".{record.name}.{secrets.token_hex(6)}")
    try:
        partial.write_text(sha256 + "\n", encoding="ascii")
        os.replace(partial, record)
    except OSError:
        partial.unlink(missing_ok=True)
        LOGGER.warning(
            "the checksum of HD-BET's weights cannot be written down beside them: a change will go unnoticed"
        )


def name_record_file(folder: Path) -> Path:
    """Where the checksum of a folder's checkpoint is written down: beside it, so that it outlives the folder."""
    return folder.with_name(folder.name + ".sha256")


def is_recorded(folder: Path) -> bool:
    """Whether a checkpoint of this folder was accepted before."""
    return name_record_file(folder).exists()


def _require_unchanged(actual: str, folder: Path) -> None:
    record = name_record_file(folder)
    try:
        recorded = record.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return
    except (OSError, UnicodeError):
        recorded = "nothing that can be read"
    if recorded != actual:
        raise WeightsRefused(
            f"HD-BET's {Path(CHECKPOINT_FILE).name} was changed: its SHA-256 is {actual}, at its first use it was {recorded}",
            remedy=f"delete the folder {folder.name} and install HD-BET again; if you changed it yourself, delete {record.name}",
        )


def _require_stated(actual: str, stated: str | None) -> None:
    if stated is None:
        return
    name = Path(CHECKPOINT_FILE).name
    if _SHA256.fullmatch(stated.lower()) is None:
        raise WeightsRefused(
            f"{SHA256_VARIABLE} is not a SHA-256: it needs 64 hexadecimal digits",
            remedy=f"set it to the checksum that you have compared; that of the file {name} here is {actual}",
        )
    if stated.lower() != actual:
        raise WeightsRefused(
            f"HD-BET's {name} has the SHA-256 {actual}, not the {stated.lower()} that was stated",
            remedy="the file was altered or is another release: fetch it again, or compare once more",
        )


def _require_trusted_plans(plans_file: Path) -> None:
    """Refuse plans that would build the network from classes outside of the packages known for it."""
    try:
        named = list_named_code(json.loads(plans_file.read_text("utf-8")))
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise WeightsRefused(
            f"HD-BET's {plans_file.name} cannot be read",
            remedy=f"fetch the weights again: {_missing_remedy()}",
        ) from error
    foreign = [name for name in named if not name.startswith(TRUSTED_CODE)]
    if foreign:
        raise WeightsRefused(
            f"HD-BET's {plans_file.name} names foreign code: {foreign[0]}",
            remedy=f"do not use these weights; fetch them again: {_missing_remedy()}",
        )


def list_named_code(plans: dict) -> list[str]:
    """The dotted names of everything that nnU-Net would import because these plans say so."""
    names: list[str] = []
    for configuration in plans["configurations"].values():
        architecture = configuration.get("architecture")
        if architecture is None:  # older plans name one of two networks, which nnU-Net looks up itself
            continue
        settings = architecture["arch_kwargs"]
        names.append(architecture["network_class_name"])
        names.extend(settings[key] for key in architecture["_kw_requires_import"] if settings.get(key))
    return names


def _missing_remedy() -> str:
    return (
        f"run `{INSTALL_COMMAND}`; offline, unpack release_v1.5.0.zip of Zenodo record 14445620 "
        f"(HD-BET 2) into the folder mssoftseg/hd-bet/weights of your user data, or into one that "
        f"{WEIGHTS_VARIABLE} names, so that it holds {', '.join(WEIGHTS_FILES)}"
    )
