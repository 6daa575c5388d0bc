"""A cohort's results as a list to look through: the table that ``mssoftseg cohort`` wrote, and where an exam's images are."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.result_files import FACTS_FILE

# Names that Docs/cohorts.md section 1 promises.
TABLE, PAGE, RESULT = "group_exams.tsv", "group_report.html", "result"
DESCRIPTION = "dataset_description.json"
NOT_AVAILABLE = "n/a"
OK = "ok"


@dataclass(frozen=True)
class CohortRow:
    """One exam. suspicion: how many reasons there are to look at it, None without a result; reasons: in words, or the failure."""

    name: str
    participant: str
    session: str
    status: str
    suspicion: int | None
    reasons: str
    lesions: str
    volume_ml: float | None
    psu: float | None

    @property
    def texts(self) -> tuple[str, ...]:
        """The cells."""
        doubt = self.status if self.suspicion is None else str(self.suspicion)
        return (
            self.name.removeprefix("sub-"),
            doubt,
            self.lesions,
            _number(self.volume_ml),
            _number(self.psu),
            self.reasons,
        )

    @property
    def has_result(self) -> bool:
        """Whether there is something to open."""
        return self.status == OK


def read_cohort(out: Path) -> tuple[CohortRow, ...]:
    """The exams, what is most suspicious first: those without result, then by number of reasons, then by name.

    ValueError, in words, where the folder holds no such table.
    """
    try:
        with (out / TABLE).open(encoding="utf-8", newline="") as file:
            rows = [_row(line) for line in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    except FileNotFoundError:
        text = _(
            "{folder} holds no {table}: choose the folder that mssoftseg cohort, or mssoftseg-bids … group, wrote into"
        )
        raise ValueError(text.format(folder=out.name, table=TABLE)) from None
    except (KeyError, TypeError, ValueError, OSError):
        raise ValueError(_("{table} cannot be read: write it again with --tables-only").format(table=TABLE)) from None
    return tuple(sorted(rows, key=lambda row: (row.has_result, -(row.suspicion or 0), row.name)))


def find_result_folder(out: Path, row: CohortRow) -> Path:
    """Where an exam's result lies."""
    return out / row.participant / row.session / RESULT


def find_raw_folder(out: Path) -> Path | None:
    """The data set that the results were made from, where they say so."""
    try:
        said = json.loads((out / DESCRIPTION).read_text(encoding="utf-8"))["DatasetLinks"]["raw"]
        folder = (out / str(said)).resolve()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return folder if folder.is_dir() else None


def find_images(out: Path, row: CohortRow, images: Path) -> dict[str, Path]:
    """The files that an exam's result was made from, by slot; those that are not found are left out.

    A file counts when name and content are those that the result states: nobody reviews a result on another one's image.
    """
    try:
        facts = json.loads((find_result_folder(out, row) / FACTS_FILE).read_text(encoding="utf-8"))
        inputs = {str(each["modality"]): (str(each["path_name"]), each["sha256"]) for each in facts["inputs"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    found = {}
    for slot in SLOTS:
        if slot in inputs:
            name, sha256 = inputs[slot]
            for path in _places(out, row, images, name):
                if _sha256(path) == sha256:
                    found[slot] = path
                    break
    return found


def _places(out: Path, row: CohortRow, images: Path, name: str) -> list[Path]:
    """Where a file of this name may be, the likeliest place first; of several, those whose place names the participant."""
    own = images / row.participant / row.session
    likely = [path for path in (own / "anat" / name, own / name, images / name) if path.is_file()]
    others = [path for path in _files_by_name(images, out).get(name, ()) if path not in likely]
    label = _bare(row.participant.removeprefix("sub-"))
    naming = [path for path in others if label in _bare(str(path.relative_to(images)))]
    return [*likely, *(naming or (others if len(others) == 1 else []))]


@cache
def _files_by_name(images: Path, out: Path) -> Mapping[str, tuple[Path, ...]]:
    """Every file below a folder by its name, without what the cohort itself wrote there."""
    found: dict[str, list[Path]] = {}
    for place, folders, names in os.walk(images):
        folders[:] = sorted(each for each in folders if Path(place, each) != out)
        for name in names:
            found.setdefault(name, []).append(Path(place, name))
    return {name: tuple(paths) for name, paths in found.items()}


def forget_files() -> None:
    """Look again at the next question: a folder may have been filled meanwhile."""
    _files_by_name.cache_clear()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _row(line: Mapping[str, Any]) -> CohortRow:
    cells = {name: "" if value in (None, NOT_AVAILABLE) else str(value) for name, value in line.items()}
    participant, session, status = cells["participant_id"], cells["session_id"], cells["status"]
    if not re.fullmatch(r"sub-[A-Za-z0-9]+", participant) or not re.fullmatch(r"(?:ses-[A-Za-z0-9]+)?", session):
        raise ValueError(participant)
    reasons = cells["suspicion_reasons"] if status == OK else cells["warning_texts"]
    return CohortRow(
        name="_".join(filter(None, (participant, session))),
        participant=participant,
        session=session,
        status=status,
        suspicion=int(cells["suspicion"] or 0) if status == OK else None,
        reasons=reasons,
        lesions=cells["lesions"],
        volume_ml=float(cells["volume_ml"]) if cells["volume_ml"] else None,
        psu=float(cells["psu"]) if cells["psu"] else None,
    )


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
