"""A failure as the panel shows it: what happened, what to do, and details to copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegLib.errors import MSSoftSegError


@dataclass(frozen=True)
class ErrorCard:
    """what and remedy: one sentence each. details: text for "Copy details", without the patient's name."""

    what: str
    remedy: str
    details: str


def make_card(event: Mapping[str, Any], *, details: str) -> ErrorCard:
    """The card of a ``failed`` event; remedies that speak of the command line are put in the panel's words."""
    code = str(event.get("code", "failed"))
    what = make_sentence(str(event.get("message") or _("The job failed.")))
    remedy = str(event.get("remedy") or "")
    if not remedy or "--" in remedy or "mssoftseg" in remedy:
        remedy = _remedies().get(code, _("Copy the details and report them."))
    lines = [f"{code}: {event.get('message', '')}", f"remedy: {event.get('remedy', '')}", details]
    return ErrorCard(what, make_sentence(remedy), "\n".join(line for line in lines if line).strip())


def find_reason(problem: Exception) -> str:
    """Why, as far as it is ours to say: ITK's and the system's own messages run over many lines and name paths."""
    if isinstance(problem, MSSoftSegError):
        return problem.message
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem).splitlines()[-1] if isinstance(problem, ValueError) and str(problem) else type(problem).__name__


def make_sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    text = text.strip()
    return text if not text else text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def _remedies() -> dict[str, str]:
    return {
        "bad-request": _("Check what is selected above and click Segment again."),
        "bad-image": _("Check this image or load it again."),
        "bad-exam": _("Check which images are selected as FLAIR, T1 and T2."),
        "grid-mismatch": _("Draw the mask on the FLAIR image that is selected."),
        "bad-bundle": _("Choose another model, or import its weights again under Environment."),
        "weights-missing": _("Choose another model, or import its weights under Environment."),
        "package-missing": _("Install what is missing under Environment."),
        "device-missing": _("Choose the device Auto or CPU and click Segment again."),
        "out-of-memory": _("Close other programs or choose the device CPU, then click Segment again."),
        "disk-full": _("Free some disk space and click Segment again."),
        "output-exists": _("Click Segment again."),
        "environment": _("See what is missing under Environment."),
    }
