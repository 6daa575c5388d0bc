"""A training's own folder, beside the model that it makes: ``MODEL.run``. What others may read there is named here.

``config.json``: what the training was begun with. ``members.json``: who was trained on and who was held out. In each
member's folder ``validation.png``: one case as a picture, renewed at every validation. No torch here: panels read it too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from MSSoftSegLib.errors import RequestError

CONFIG_FILE = "config.json"
MEMBERS_FILE = "members.json"
PICTURE_FILE = "validation.png"


@dataclass(frozen=True)
class Member:
    """One network of the model, in the order of its weight files: names of the cases it learned from and of those it did not."""

    name: str
    training: tuple[str, ...]
    held_out: tuple[str, ...]


def run_folder(out: Path) -> Path:
    """Where a training for this output keeps what it must not lose."""
    return out.absolute().parent / f"{out.name}.run"


def members_document(members: list[Member]) -> str:
    """The text of ``members.json``."""
    return json.dumps({"schema_version": 1, "members": [asdict(member) for member in members]}, indent=2) + "\n"


def read_members(run: Path) -> list[Member]:
    """The members of a run; RequestError where the folder does not say."""
    try:
        document = json.loads((run / MEMBERS_FILE).read_text(encoding="utf-8"))
        entries = document["members"]
        return [Member(e["name"], tuple(e["training"]), tuple(e["held_out"])) for e in entries]
    except (OSError, ValueError, KeyError, TypeError):
        raise RequestError(
            f"{run.name} does not say which cases were held out: {MEMBERS_FILE} is missing or damaged",
            remedy="give the folder MODEL.run of a training, or name cases",
        ) from None
