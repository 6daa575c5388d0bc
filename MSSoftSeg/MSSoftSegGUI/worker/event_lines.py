"""From bytes as they come to events: half lines wait for their rest, and what is no event is kept apart."""

from __future__ import annotations

import json
from typing import Any

Event = dict[str, Any]
# No event is this long; a stream without line ends must not fill the memory.
LONGEST_LINE = 4 * 2**20
# Of a job's log, in the panel.
KEPT_LOG_LINES = 500


class EventLines:
    """Collects output of the worker and hands out the events in it."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False
        self.garbage: list[str] = []

    def feed(self, data: bytes) -> list[Event]:
        """The events that are complete now, in order. Lines that are none are appended to ``garbage``."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._skipping and lines:
            lines, self._skipping = lines[1:], False
        if len(self._rest) > LONGEST_LINE:
            self.garbage.append(f"a line of more than {LONGEST_LINE} bytes")
            self._rest, self._skipping = b"", True
        if self._skipping:
            self._rest = b""
        return [event for line in lines if (event := self._event(line)) is not None]

    def _event(self, line: bytes) -> Event | None:
        text = line.decode("utf-8", errors="replace").strip()
        if not text:
            return None
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):
            event = None
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            return event
        self.garbage.append(text[:200])
        return None
