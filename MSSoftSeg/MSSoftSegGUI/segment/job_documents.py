"""From what is selected in the panel to a job document. The worker validates it: the schema needs pydantic, which
Slicer's Python may not have yet when the panel opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["segment", "preprocess"]
BRAIN_CHOICES = ("auto", "hd-bet", "atlas", "none")


@dataclass(frozen=True)
class Selections:
    """What the user chose. flair, t1, t2, brain_mask: identifiers of nodes, "" = none.

    brain: one of BRAIN_CHOICES, unless brain_mask names a mask on the FLAIR image's voxels, which wins.
    model: "" = the default one. device: auto, cpu, cuda:N, mps. tta: flips8, none, or "" for the model's own.
    """

    flair: str
    t1: str = ""
    t2: str = ""
    case_name: str = ""
    model: str = ""
    device: str = "auto"
    brain: str = "auto"
    brain_mask: str = ""
    tta: str = ""

    def images(self) -> dict[str, str]:
        """The chosen images by slot."""
        chosen = {"flair": self.flair, "t1": self.t1, "t2": self.t2}
        return {slot: node for slot, node in chosen.items() if node}


def make_job_document(
    kind: Kind, name: str, selections: Selections, *, images: Mapping[str, Path], brain_mask: Path | None, out: Path
) -> dict[str, Any]:
    """The document of a job on exported files; images by slot, flair among them."""
    spec: dict[str, Any] = {
        "exam": {slot: str(path) for slot, path in images.items()},
        "out": str(out),
        "preprocessing": {"brain": str(brain_mask) if brain_mask is not None else selections.brain},
    }
    if kind == "segment":
        spec |= {"device": selections.device, "tta": selections.tta or None, "preview": True}
        # A model that is not named is the worker's to know.
        spec |= {"model": selections.model} if selections.model else {}
    return {"job": name, "kind": kind, "spec": spec}
