"""Short questions to the worker for short jobs: each is answered once, in words for the panel, and a newer one replaces an older.

A topic names what a question is about. Whoever asks again about a topic no longer wants the answer that is under way: it is
dropped wherever it is, so that nothing that is out of date is ever shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard, make_card
from MSSoftSegGUI.worker.event_lines import Event
from MSSoftSegGUI.worker.port import WorkerPort

Summary = Mapping[str, Any]


class ShortJobs:
    """Asks the worker; every question that is not replaced or dropped gets one answer."""

    def __init__(self, worker: WorkerPort) -> None:
        self._worker = worker
        self._newest: dict[str, str] = {}

    def ask(
        self,
        kind: str,
        spec: Mapping[str, Any],
        *,
        on_result: Callable[[Summary], None],
        on_problem: Callable[[ErrorCard], None],
        topic: str = "",
    ) -> None:
        """Submit a job; on_result gets its summary, on_problem what went wrong. No topic: never replaced."""
        name = uuid.uuid4().hex[:12]
        if topic:
            self.drop(topic)
            self._newest[topic] = name

        def hear(event: Event) -> None:
            if event["event"] not in ("result", "failed", "cancelled"):
                return
            if topic and self._newest.get(topic) != name:
                return
            self._newest.pop(topic, None)
            if event["event"] == "result":
                summary = event.get("summary")
                on_result(summary if isinstance(summary, dict) else {})
            else:
                on_problem(make_short_job_card(event, details=self._worker.details()))

        self._worker.submit({"job": name, "kind": kind, "spec": dict(spec)}, hear)

    def drop(self, topic: str) -> None:
        """Nobody wants the answer on this topic any more."""
        name = self._newest.pop(topic, None)
        if name is not None:
            self._worker.cancel(name)

    def is_asked(self, topic: str) -> bool:
        """Whether an answer on this topic is awaited."""
        return topic in self._newest


@dataclass(frozen=True)
class ShortJobCard(ErrorCard):
    """code: as in the ``failed`` event."""

    code: str = ""


def make_short_job_card(event: Event, *, details: str) -> ShortJobCard:
    """The card of a job that did not end well: steps that speak of Segment or of the command line do not help here."""
    if event["event"] == "cancelled":
        return ShortJobCard(_("The job was cancelled."), _("Try again."), "cancelled", "cancelled")
    card = make_card(event, details=details)
    code = str(event.get("code", ""))
    given = str(event.get("remedy") or "")
    speaks_of_shell = not given or "--" in given or "mssoftseg" in given or "Segment" in card.remedy
    remedy = (_remedies().get(code) or _("Try again.")) if speaks_of_shell else card.remedy
    return ShortJobCard(card.what, remedy, card.details, code)


def _remedies() -> dict[str, str]:
    again = _("Try again: a library is never left half written. If it happens twice, report the copied details.")
    return {
        "bad-request": _("Check what is entered here and try again."),
        "bad-library": _("Restore the library from a backup, or choose another one."),
        "bad-image": _("Load the image again and try again."),
        "grid-mismatch": _("Draw on the FLAIR image of this case."),
        "output-exists": _("Choose another folder."),
        "disk-full": _("Free some disk space and try again."),
        "package-missing": _("Install what is missing under Environment."),
        "out-of-memory": _("Close other programs and try again."),
        "worker-killed": again,
        "worker-crashed": again,
    }
