"""What is known of an exam as a case of a library: kept with the exam in the scene, as text."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from MSSoftSegGUI.library.names import make_case_name


@dataclass(frozen=True)
class StoredMask:
    """A rater's mask as the library held it when this exam was opened or last saved. sha256: its checksum."""

    path: str = ""
    sha256: str = ""
    notes: str = ""


@dataclass(frozen=True)
class CaseState:
    """patient, session, notes: as typed. library, case: where the exam is kept, "" while it is nowhere.

    masks: by rater. kept_as: under which name a rater's mask is kept where that was not the rater's own. edited_from: the
    file that the drawing started from. digest, saved_notes: the drawing and the notes as last saved or opened.
    grid: the order of the library's voxels, row by row of the 4 × 4 matrix from voxel (i, j, k) to RAS mm.
    from_library: whether the images were loaded from there, and may be closed when the next case is opened.
    """

    patient: str = ""
    session: str = ""
    notes: str = ""
    library: str = ""
    case: str = ""
    status: str = ""
    masks: Mapping[str, StoredMask] = field(default_factory=dict)
    kept_as: Mapping[str, str] = field(default_factory=dict)
    flair: str = ""
    soft_label: str = ""
    edited_from: str = ""
    source_model: str = ""
    digest: str = ""
    grid: tuple[float, ...] = ()
    saved_notes: str = ""
    from_library: bool = False

    def is_in(self, library: str) -> bool:
        """Whether this exam, under the names that are typed now, is a case of that library."""
        return bool(self.case) and self.library == library and self.case == make_case_name(self.patient, self.session)

    def with_masks(self, raters: Mapping[str, Mapping[str, Any]]) -> CaseState:
        """The same with the places of all masks as ``library-open`` tells them.

        The checksums stay those of what was opened or saved here: whoever has not seen a mask does not replace it.
        """
        masks = {
            str(name): StoredMask(
                str(mask["path"]), self.masks.get(name, StoredMask()).sha256, str(mask.get("notes") or "")
            )
            for name, mask in raters.items()
        }
        return dataclasses.replace(self, masks=masks)

    def with_drawing(self, digest: str, grid: tuple[float, ...]) -> CaseState:
        """The same with the drawing that is kept."""
        return dataclasses.replace(self, digest=digest, grid=grid)

    def to_json(self) -> str:
        """As text for the parameter node."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> CaseState:
        """Read again; an empty state where the text is empty, damaged or of another version: nothing is lost by that."""
        try:
            document: dict[str, Any] = json.loads(text) if text else {}
            masks = {str(rater): StoredMask(**mask) for rater, mask in document.pop("masks", {}).items()}
            return cls(masks=masks, grid=tuple(document.pop("grid", ())), **document)
        except (ValueError, TypeError, AttributeError):
            return cls()


def make_opened_state(library: str, summary: Mapping[str, Any], *, start_from: str, rater: str) -> CaseState:
    """The state of a case that ``library-open`` has just described; start_from: whose mask is drawn on, "" = nobody's."""
    masks = {
        str(name): StoredMask(str(mask["path"]), str(mask["sha256"]), str(mask.get("notes") or ""))
        for name, mask in summary.get("raters", {}).items()
    }
    soft = summary.get("soft_label") or {}
    notes = masks[rater].notes if rater in masks else ""
    return CaseState(
        patient=str(summary["patient"]),
        session=str(summary.get("session") or ""),
        notes=notes,
        library=library,
        case=str(summary["case"]),
        status=str(summary["status"]),
        masks=masks,
        flair=str(summary["images"]["flair"]),
        soft_label=str(soft.get("path") or ""),
        edited_from=masks[start_from].path if start_from in masks else "",
        source_model=str(summary.get("source_model") or ""),
        saved_notes=notes,
        from_library=True,
    )
