"""What the worker found in a folder, in the panel's words: visits, what can be taken for each slot, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from MSSoftSegGUI.scene.state import SLOTS
from MSSoftSegGUI.widgets.translation import tr as _

NOTHING = "none"


@dataclass(frozen=True)
class FoundImage:
    """An image or series of the folder, as the job ``exam-choices`` describes it."""

    key: str
    words: str
    contrast: str = ""
    reason: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Proposed:
    """What the worker would take, and because of what."""

    key: str
    because: str


@dataclass(frozen=True)
class FoundVisit:
    """One visit of one patient. file: the place of a DICOM file of it, None for image files."""

    patient: int
    file: int | None
    images: tuple[FoundImage, ...]
    chosen: Mapping[str, Proposed]
    warnings: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class SlotChoice:
    """options: (key, text), the slot's own contrast first, "none" last; reason: why the chosen one, or a doubt about it."""

    options: tuple[tuple[str, str], ...]
    chosen: str
    reason: str
    is_doubtful: bool = False


def read_visit(said: Mapping[str, Any]) -> FoundVisit:
    """A visit of the worker's answer."""
    images = tuple(
        FoundImage(
            str(each["key"]),
            str(each["words"]),
            *(str(each.get(name) or "") for name in ("contrast", "reason", "problem")),
        )
        for each in said["images"]
    )
    chosen = {slot: Proposed(str(each["key"]), str(each["because"])) for slot, each in said["chosen"].items()}
    return FoundVisit(
        int(said["patient"]), said.get("file"), images, chosen, tuple(said["warnings"]), str(said.get("problem") or "")
    )


def describe_visit(number: int, visit: FoundVisit, named: tuple[str, str, str]) -> str:
    """A visit in a line. named: name, number and date, where a header says them."""
    whose = ", ".join(part for part in named if part)
    count = _("one image") if len(visit.images) == 1 else _("{count} images").format(count=len(visit.images))
    text = _("Visit {number} (patient {patient}, {count})")
    title = text.format(number=number + 1, patient=visit.patient, count=count)
    return f"{title}: {whose}" if whose else title


def make_choice(visit: FoundVisit, slot: str, taken: str) -> SlotChoice:
    """What can be taken for a slot, and what speaks for or against what is."""
    usable = [each for each in visit.images if not each.problem]
    proposed = visit.chosen.get(slot)
    # The proposal, then what else is of this contrast, then what nobody recognized, then other contrasts.
    ranks = {slot: 1, "": 2}
    usable.sort(key=lambda each: 0 if proposed and each.key == proposed.key else ranks.get(each.contrast, 3))
    options = [(each.key, _option(each)) for each in usable] + [(NOTHING, _("None"))]
    if taken == NOTHING:
        return SlotChoice(tuple(options), taken, "" if proposed is None else _("left out"), is_doubtful=False)
    if proposed is not None and taken == proposed.key:
        return SlotChoice(tuple(options), taken, proposed.because)
    image = next(each for each in visit.images if each.key == taken)
    if image.contrast == slot:
        text = _("your choice; {reason} says {contrast}")
        return SlotChoice(
            tuple(options), taken, text.format(reason=image.reason or "?", contrast=image.contrast.upper())
        )
    said = image.contrast.upper() or image.reason
    text = _("your choice, but by its name or header: {said}")
    return SlotChoice(tuple(options), taken, text.format(said=said), is_doubtful=True)


def list_unused(visit: FoundVisit, taken: Sequence[str]) -> tuple[str, ...]:
    """A line on each image that is not taken: what it is, and why it is not."""
    return tuple(f"{each.words} – {_why_not(each, visit)}" for each in visit.images if each.key not in taken)


def _why_not(image: FoundImage, visit: FoundVisit) -> str:
    if image.problem:
        return image.problem
    if not image.contrast:
        return image.reason
    if image.contrast not in SLOTS:
        return image.contrast.upper()
    proposed = visit.chosen.get(image.contrast)
    if proposed is not None and proposed.key == image.key:
        return _("{contrast}, would be taken").format(contrast=image.contrast.upper())
    return _("{contrast} too, but another was better").format(contrast=image.contrast.upper())


def _option(image: FoundImage) -> str:
    what = image.contrast.upper() or image.reason
    return f"{image.words} [{what}]" if what else image.words
