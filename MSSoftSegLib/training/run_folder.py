"""A training's own folder, beside the model that it makes: ``MODEL.run``. What others may read there is named here.

``config.json``: what the training was begun with. ``members.json``: who was trained on and who was held out, by the networks of
the model and by those that only chose its operating point (folder ``cross-fit``). In each
member's folder ``validation.png``: one case as a picture, renewed at every validation. No torch here: panels read it too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.plain_text import parse_json

CONFIG_FILE = "config.json"
MEMBERS_FILE = "members.json"
CROSS_FIT_FOLDER = "cross-fit"
PICTURE_FILE = "validation.png"


@dataclass(frozen=True)
class Member:
    """One network of the model, in the order of its weight files: names of the cases it learned from and of those it did not."""

    name: str
    training: tuple[str, ...]
    held_out: tuple[str, ...]


def name_run_folder(out: Path) -> Path:
    """Where a training for this output keeps what it must not lose."""
    return out.absolute().parent / f"{out.name}.run"


def has_begun(run: Path) -> bool:
    """Whether a run's folder holds anything; a first file that a kill cut short is nothing to go on with or to ask about."""
    return run.is_dir() and not all(_is_cut_short(path) for path in run.iterdir())


def _is_cut_short(path: Path) -> bool:
    """Whether this is the configuration under the name that it has while it is written."""
    return path.name.startswith(f".{CONFIG_FILE}.")


def make_members_document(members: list[Member], choosing: list[Member]) -> str:
    """The text of ``members.json``. choosing: networks that are not part of the model and chose its operating point."""
    document = {
        "schema_version": 1,
        "members": [asdict(member) for member in members],
        "choosing": [asdict(member) for member in choosing],
    }
    return json.dumps(document, indent=2) + "\n"


def read_members(run: Path) -> list[Member]:
    """The members of a run; RequestError where the folder does not say."""
    return _read(run, "members")


def read_choosing(run: Path) -> list[Member]:
    """The networks that chose the operating point of a run, none in runs without; RequestError as for the members."""
    return _read(run, "choosing")


def _read(run: Path, part: str) -> list[Member]:
    try:
        document = parse_json((run / MEMBERS_FILE).read_bytes())
        # Runs of earlier versions have no choosing networks and do not say so.
        entries = document["members"] if part == "members" else document.get(part, [])
        return [Member(e["name"], tuple(e["training"]), tuple(e["held_out"])) for e in entries]
    except (OSError, ValueError, KeyError, TypeError):
        raise RequestError(
            f"{run.name} does not say which cases were held out: {MEMBERS_FILE} is missing or damaged",
            remedy="give the folder MODEL.run of a training, or name cases",
        ) from None
