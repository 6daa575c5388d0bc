"""Which model is the default, and how it became that: judgements and decisions, kept outside the extension.

Two files of JSON lines in the user's models folder, only ever appended to: ``judgements.jsonl`` says what comparisons found,
``promotions.jsonl`` what was decided. The default is what the last decision for one says, while that very model (by checksum)
is still installed; else the model that ships.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from MSSoftSegLib.exam.plain_text import parse_json

JUDGMENTS_FILE = "judgements.jsonl"
PROMOTIONS_FILE = "promotions.jsonl"
Verdict = Literal["better", "worse", "undecided"]
Decision = Literal["default", "candidate", "discard"]


class _Line(BaseModel, frozen=True, extra="ignore"):
    """Later versions may write more than this one knows."""

    time: str


class ModelJudgment(_Line):
    """What one comparison found. Models are told apart by the checksum of their ``model.json``; cases: held-out ones."""

    first: str
    first_sha256: str
    second: str
    second_sha256: str
    verdict: Verdict
    reason: str
    cases: int


class Promotion(_Line):
    """One decision. verdict: of the judgement that it rests on, None = none was asked for. previous: the default until then."""

    model: str
    sha256: str
    version: str
    decision: Decision
    verdict: Verdict | None
    reason: str
    accepted_worse: bool
    previous: str


_Kind = TypeVar("_Kind", bound=_Line)


def read_clock() -> str:
    """The time as history keeps it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def keep_judgment(folder: Path, judgment: ModelJudgment) -> None:
    """Add to the judgements in the user's models folder."""
    _append(folder / JUDGMENTS_FILE, judgment)


def keep_promotion(folder: Path, promotion: Promotion) -> None:
    """Add to the history in the user's models folder."""
    _append(folder / PROMOTIONS_FILE, promotion)


def read_history(folder: Path) -> list[Promotion]:
    """Every decision, the oldest first; a line that cannot be read is left out."""
    return [line for document in _documents(folder / PROMOTIONS_FILE) if (line := _read(Promotion, document))]


def find_judgment(folder: Path, *, first_sha256: str, second_sha256: str) -> ModelJudgment | None:
    """The last judgement on the second model against the first; None where they were never compared."""
    read = (_read(ModelJudgment, document) for document in _documents(folder / JUDGMENTS_FILE))
    found = [j for j in read if j and j.first_sha256 == first_sha256 and j.second_sha256 == second_sha256]
    return found[-1] if found else None


def _append(path: Path, line: BaseModel) -> None:
    """One write of one line: two programs that decide at once both leave a whole line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = (line.model_dump_json() + "\n").encode()
    # A program that was killed may have left half a line: this one must not continue it.
    if path.is_file() and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
        content = b"\n" + content
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        written = os.write(descriptor, content)
        if written < len(content):
            # On a disk that is filling up a part is written without an error; the next attempt has one.
            os.write(descriptor, content[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _documents(path: Path) -> Iterable[Any]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return
    for line in lines:
        try:
            yield parse_json(line)
        except ValueError:
            continue


def _read(kind: type[_Kind], document: Any) -> _Kind | None:
    try:
        return kind.model_validate(document)
    except ValidationError:
        return None
