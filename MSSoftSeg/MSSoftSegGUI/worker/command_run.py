"""One run of the library's command line in the worker's Python, collected for one answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from MSSoftSegGUI.worker.processes import Process, ProcessCommand, ProcessEnd, ProcessFactory

MOST_BYTES = 4 * 2**20


@dataclass(frozen=True)
class CommandAnswer:
    """Everything a command wrote, and how it ended."""

    output: str
    error_output: str
    end: ProcessEnd

    @property
    def succeeded(self) -> bool:
        """Whether it did what it was asked."""
        return not self.end.crashed and not self.end.could_not_start and self.end.exit_code == 0

    @property
    def last_error_line(self) -> str:
        """The last line on standard error, where the command line states what is wrong, without its ``error:``."""
        lines = [line.strip() for line in self.error_output.splitlines() if line.strip()]
        return lines[-1].removeprefix("error: ") if lines else ""


class CommandRun:
    """A command that is under way."""

    def __init__(
        self, make_process: ProcessFactory, command: ProcessCommand, on_answer: Callable[[CommandAnswer], None]
    ) -> None:
        self._output, self._error_output = bytearray(), bytearray()
        self._on_answer: Callable[[CommandAnswer], None] | None = on_answer
        self._process: Process = make_process()
        self._process.start(
            command,
            on_output=lambda data: self._keep(self._output, data),
            on_error_output=lambda data: self._keep(self._error_output, data),
            on_end=self._ended,
        )

    def stop(self) -> None:
        """Kill it; no answer comes."""
        self._on_answer = None
        if self._process.is_running:
            self._process.kill_tree()

    def _keep(self, collected: bytearray, data: bytes) -> None:
        collected += data[: max(0, MOST_BYTES - len(collected))]

    def _ended(self, end: ProcessEnd) -> None:
        answer, self._on_answer = self._on_answer, None
        if answer is not None:
            texts = (bytes(kept).decode("utf-8", errors="replace") for kept in (self._output, self._error_output))
            answer(CommandAnswer(*texts, end))
