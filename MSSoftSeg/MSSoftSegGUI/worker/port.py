"""What presenters need of the worker client; tests give them another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from MSSoftSegGUI.worker.event_lines import Event


class WorkerPort(Protocol):
    """What is needed of the worker client."""

    def submit(self, document: dict[str, Any], on_event: Callable[[Event], None]) -> None: ...

    def cancel(self, name: str) -> None: ...

    def details(self) -> str: ...
