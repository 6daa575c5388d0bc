"""What the presenters ask of a process and of a clock. The panel gives Qt's; tests give others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ProcessCommand:
    """What to start. environment: all variables of the process; None = the variables of this one."""

    program: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ProcessEnd:
    """How a process ended. crashed: by a signal or a fault, exit_code is then the signal's number where there are signals.

    could_not_start: why it never ran, else empty.
    """

    exit_code: int
    crashed: bool = False
    could_not_start: str = ""


class Process(Protocol):
    """One run of one program. Its callbacks come from the event loop, never from inside one of these calls."""

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""

    def start(
        self,
        command: ProcessCommand,
        *,
        on_output: Callable[[bytes], None],
        on_error_output: Callable[[bytes], None],
        on_end: Callable[[ProcessEnd], None],
    ) -> None:
        """Start it; on_end comes exactly once, after the last output, also if the program does not exist."""

    def write(self, data: bytes) -> None:
        """Send bytes to its standard input; nothing happens if it has ended."""

    def kill_tree(self) -> None:
        """Kill it and the processes that it started; on_end still comes."""


ProcessFactory = Callable[[], Process]
# Seconds, and what to do then, once, from the event loop.
Later = Callable[[float, Callable[[], None]], None]
