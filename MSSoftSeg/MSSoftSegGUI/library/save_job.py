"""One save of a drawing into a library: what was written for the worker, what it is asked, and what is known afterwards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from MSSoftSegGUI.library.case_state import CaseState, StoredMask
from MSSoftSegGUI.library.names import make_case_name
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard

Kind = Literal["note", "warning", "error"]
Status = Literal["corrected", "approved"]
REFUSALS = ("bad-request", "bad-image", "grid-mismatch")


@dataclass(frozen=True)
class WrittenCase:
    """What was written for the worker. digest: of the drawing. images: by slot, none where the library has them.

    grid: in which order the voxels were written, row by row of a 4 × 4 matrix.
    """

    mask: Path
    digest: str
    images: Mapping[str, Path] = field(default_factory=dict)
    result: Path | None = None
    edited_from: Path | None = None
    source_model: str = ""
    grid: tuple[float, ...] = ()


@dataclass(frozen=True)
class SoftFile:
    """A soft label of this very drawing, with its sidecar beside it. name: what it is called in the library."""

    path: Path
    name: str


@dataclass(frozen=True)
class Save:
    """One save under way. exam: names the exam in the scene."""

    state: CaseState
    library: str
    rater: str
    status: Status
    case: WrittenCase
    exam: object
    soft: SoftFile | None
    then: Callable[[], None] | None

    @property
    def based_on(self) -> str | None:
        """The checksum of the rater's mask as it was opened or last saved, None where she had none."""
        if not self.state.is_in(self.library):
            return None
        mask = self.state.masks.get(self.state.kept_as.get(self.rater, self.rater))
        return (mask.sha256 or None) if mask is not None else None


def make_gone_card(library: str, card: ErrorCard) -> ErrorCard:
    """The card of a library that was there and is not; other problems keep theirs."""
    if getattr(card, "code", "") != "bad-library":
        return card
    what = _("The library “{name}” is not there any more.").format(name=Path(library).name)
    remedy = _("Connect the share or choose another library. Nothing was lost: what is drawn is in the scene.")
    return ErrorCard(what, remedy, card.details)


def make_save_spec(save: Save) -> dict[str, Any]:
    """The ``library-save`` job of a save."""
    state, case = save.state, save.case
    return {
        "library": save.library,
        "patient": state.patient,
        "session": state.session or None,
        "images": {slot: str(path) for slot, path in case.images.items()},
        "rater": save.rater,
        "mask": str(case.mask),
        "edited_from": str(case.edited_from) if case.edited_from is not None else None,
        "status": save.status,
        "notes": state.notes,
        "source_model": case.source_model or None,
        "result": str(case.result) if case.result is not None else None,
        "based_on": save.based_on,
        **({"soft_label": str(save.soft.path), "soft_label_name": save.soft.name} if save.soft is not None else {}),
    }


def make_kept_state(save: Save, summary: Mapping[str, Any]) -> CaseState:
    """What is known of the exam once the library has it."""
    state = save.state
    name = str(summary.get("rater") or save.rater)
    kept_as = {**(state.kept_as if state.is_in(save.library) else {}), save.rater: name}
    masks = dict(state.masks) if state.is_in(save.library) else {}
    masks[name] = StoredMask(sha256=str(summary.get("sha256") or ""), notes=state.notes)
    return dataclasses.replace(
        state,
        library=save.library,
        case=str(summary.get("case") or make_case_name(state.patient, state.session)),
        status=str(summary.get("status") or save.status),
        masks=masks,
        kept_as=kept_as,
        digest=save.case.digest,
        grid=save.case.grid,
        saved_notes=state.notes,
    )
