"""What was said of a comparison goes on to the one that takes its place, wherever a lesion is still the same.

Nothing is lost unseen: what fits no lesion any more is named, and all that was said is kept beside the new comparison.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegGUI.prior.comparison import ChangeRow, ReadComparison, read_comparison
from MSSoftSegGUI.prior.decisions import ChangeDecisions, read_decisions, write_decisions
from MSSoftSegGUI.prior.reading import say_class
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import find_reason, make_sentence
from MSSoftSegLib.result_files import CHANGE_REVIEW_FILE

EARLIER_FILE = "change_review.earlier.json"
# A lesion that nobody touched has the same voxels; files hold rounded numbers.
SAME_PLACE_MM, SAME_VOLUME = 1.0, 0.005
NAMED = 3


@dataclass(frozen=True)
class CarriedDecisions:
    """made: of the new comparison's groups. left: rows of the old one whose decision fits no lesion of the new one."""

    made: ChangeDecisions
    left: tuple[ChangeRow, ...]


def find_carried(old: ReadComparison, said: ChangeDecisions, new: ReadComparison) -> CarriedDecisions:
    """A decision goes with a lesion of the same class, place and volumes; with none where other exams are compared."""
    isSame = [visit.images for visit in old.series] == [visit.images for visit in new.series]
    made, left = {}, []
    for row in old.rows:
        if row.id not in said.made:
            continue
        same = [each for each in new.rows if isSame and _is_same(each, row)]
        if len(same) == 1:
            made[same[0].id] = said.made[row.id]
        else:
            left.append(row)
    return CarriedDecisions(ChangeDecisions(made), tuple(left))


def keep_decisions(old_folder: Path, new: ReadComparison) -> str:
    """Carry what was said of an old comparison into a new one's folder; what to tell the reader, "" where nothing was said.

    What was said is kept there as a whole too, in ``change_review.earlier.json``.
    """
    review = old_folder / CHANGE_REVIEW_FILE
    if not review.is_file():
        return ""
    try:
        shutil.copyfile(review, new.folder / EARLIER_FILE)
        old = read_comparison(old_folder)
        carried = find_carried(old, read_decisions(old), new)
        if carried.made.made:
            reviewer = str(json.loads(review.read_text(encoding="utf-8")).get("reviewer") or "")
            write_decisions(new, carried.made, reviewer=reviewer, aside=False)
    except (OSError, ValueError) as problem:
        text = _("Your decisions on the comparison before could not be taken over: {reason}")
        return make_sentence(text.format(reason=find_reason(problem)))
    return _say(carried)


def _is_same(one: ChangeRow, other: ChangeRow) -> bool:
    volumes = ((one.before_mm3, other.before_mm3), (one.after_mm3, other.after_mm3))
    return (
        one.change == other.change
        and math.dist(one.place_ras_mm, other.place_ras_mm) <= SAME_PLACE_MM
        and all(math.isclose(a, b, rel_tol=SAME_VOLUME, abs_tol=0.5) for a, b in volumes)
    )


def _say(carried: CarriedDecisions) -> str:
    taken, left = len(carried.made.made), carried.left
    if not taken and not left:
        return ""
    if not left:
        return _("Your {count} decisions were taken over.").format(count=taken)
    named = [_describe(row) for row in left[:NAMED]] + (["…"] if len(left) > NAMED else [])
    text = _("{taken} of your {total} decisions were taken over. Decide anew on what is no longer the same: {rows}.")
    return text.format(taken=taken, total=taken + len(left), rows="; ".join(named))


def _describe(row: ChangeRow) -> str:
    text = _("{change}, {before:.0f} → {after:.0f} mm³")
    return text.format(change=say_class(row.change), before=row.before_mm3, after=row.after_mm3)
