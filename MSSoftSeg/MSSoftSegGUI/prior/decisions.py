"""What the reader said of each change, kept beside ``change.json``: accepted, rejected, or of another class than was found."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from MSSoftSegGUI.prior.comparison import ReadComparison
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.result_files import CHANGE_REVIEW_FILE

OTHERS_FILE = "change_review.other.json"
SCHEMA_VERSION = 1
ACCEPTED, REJECTED, RECLASSED = "accepted", "rejected", "reclassed"
# Of change.json, in the order of the menu.
CLASSES = ("new", "enlarging", "stable", "shrinking", "resolved", "merged", "split", "not decidable")


@dataclass(frozen=True)
class ChangeDecision:
    """decision: one of the three. change: the class that stands now."""

    decision: str
    change: str


@dataclass(frozen=True)
class ChangeDecisions:
    """Decisions by group; unchangeable: undoing goes back to an older one."""

    made: Mapping[int, ChangeDecision] = field(default_factory=dict)

    def with_decision(self, group: int, decision: ChangeDecision) -> ChangeDecisions:
        """This one added, in place of an older one."""
        return ChangeDecisions({**self.made, group: decision})


def read_decisions(comparison: ReadComparison) -> ChangeDecisions:
    """What was said of this comparison; nothing where nobody said anything.

    ValueError where the file is damaged or about another comparison: the first decision then puts it aside.
    """
    path = comparison.folder / CHANGE_REVIEW_FILE
    if not path.is_file():
        return ChangeDecisions()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema_version"] != SCHEMA_VERSION or document["comparison_sha256"] != comparison.digest:
            raise ValueError
        said = document["decisions"].get(comparison.pair, {})
        made = {int(group): ChangeDecision(each["decision"], each["change"]) for group, each in said.items()}
        if any(each.decision not in (ACCEPTED, REJECTED, RECLASSED) for each in made.values()):
            raise ValueError
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ValueError(
            _("{file} belongs to another comparison; it is put aside when you decide here").format(
                file=CHANGE_REVIEW_FILE
            )
        ) from None
    return ChangeDecisions(made)


def write_decisions(comparison: ReadComparison, decisions: ChangeDecisions, *, reviewer: str, aside: bool) -> None:
    """Write them whole or not at all. aside: what lies there is another comparison's and is kept under another name."""
    path = comparison.folder / CHANGE_REVIEW_FILE
    if aside:
        os.replace(path, comparison.folder / OTHERS_FILE)
    own = {str(group): dataclasses.asdict(each) for group, each in sorted(decisions.made.items())}
    document = {
        "schema_version": SCHEMA_VERSION,
        "comparison_sha256": comparison.digest,
        "reviewer": reviewer,
        "decisions": _of_other_pairs(path) | {comparison.pair: own},
    }
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _of_other_pairs(path: Path) -> dict[str, object]:
    """What the file says of earlier visits of the same comparison; the caller replaces its own pair's."""
    if not path.is_file():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8"))["decisions"])
