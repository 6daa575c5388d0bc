"""What today's visit can be compared with: results that are loaded, earlier sessions of the patient in the library, a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from MSSoftSegGUI.widgets.translation import tr as _

Kind = Literal["loaded", "library", "folder"]


@dataclass(frozen=True)
class Today:
    """The visit on the table. exam: what tells it from others. result: its result folder, None where it has none (any more).

    comparison: the folder of an earlier comparison of it, "" for none; prior, rater: with which visit it was compared, as
    ``PriorCandidate.key`` says, and whose mask of that was chosen. library, patient, session: as the case is called there, ""
    where that is not known.
    """

    exam: str
    case_name: str
    result: Path | None
    comparison: str = ""
    prior: str = ""
    rater: str = ""
    library: str = ""
    patient: str = ""
    session: str = ""


@dataclass(frozen=True)
class PriorCandidate:
    """One visit to compare with. folder: of a result or of an exam's images, None where the library tells it. case: there.

    exam: the parameter node of one that is in the scene, "" for others.
    """

    kind: Kind
    title: str
    folder: Path | None = None
    case: str = ""
    exam: str = ""

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return f"{self.kind}:{self.case or self.folder}"


def offer_loaded_result(case_name: str, folder: Path, exam: str = "") -> PriorCandidate:
    """The result of another exam of the scene, as it is corrected there."""
    return PriorCandidate("loaded", _("{case} (in this scene)").format(case=case_name), folder, exam=exam)


def offer_folder(folder: Path) -> PriorCandidate:
    """A folder that the reader picked: a result, an exam's images, or a finished comparison."""
    return PriorCandidate("folder", _("Folder {name}").format(name=folder.name), folder)


def offer_again(key: str) -> tuple[PriorCandidate, ...]:
    """The folder of this key, where it is still there; everything else is found anew by itself."""
    kind, _colon, place = key.partition(":")
    return (offer_folder(Path(place)),) if kind == "folder" and Path(place).is_dir() else ()


def find_earlier_sessions(cases: Iterable[Mapping[str, Any]], patient: str, session: str) -> tuple[PriorCandidate, ...]:
    """The patient's cases before this session, the latest first; all of them where this visit has no session yet.

    cases: rows of a library's worklist.
    """
    own = [(str(row.get("session") or ""), str(row["case"])) for row in cases if row.get("patient") == patient]
    before = [each for each in own if each[0] != session and (not session or _natural(each[0]) < _natural(session))]
    before.sort(key=lambda each: _natural(each[0]), reverse=True)
    return tuple(
        PriorCandidate("library", _("{case} (library)").format(case=case), case=case) for _session, case in before
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """Session 10 after session 9: numbers by size, the rest by letter."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name.lower()) if part]
