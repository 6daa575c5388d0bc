"""How a training process speaks with the job that started it: metrics out, cancellation in; across processes too."""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol


class ProgressChannel(Protocol):
    """What the training loop says, and what it asks."""

    def metric(self, name: str, step: int, value: float) -> None:
        """One measured value at a step."""

    def progress(self, fraction: float, message: str) -> None:
        """How much of this member's training is done, 0–1."""

    def cancelled(self) -> bool:
        """Whether the user asked to stop."""


@dataclass(frozen=True)
class DirectChannel:
    """Within one process."""

    on_metric: Callable[[str, int, float], None] = lambda name, step, value: None
    on_progress: Callable[[float, str], None] = lambda fraction, message: None
    is_cancelled: Callable[[], bool] = lambda: False

    def metric(self, name: str, step: int, value: float) -> None:
        self.on_metric(name, step, value)

    def progress(self, fraction: float, message: str) -> None:
        self.on_progress(fraction, message)

    def cancelled(self) -> bool:
        return self.is_cancelled()


@dataclass(frozen=True)
class QueueChannel:
    """From a spawned process to the one that spawned it."""

    messages: Any
    stop: Any

    def metric(self, name: str, step: int, value: float) -> None:
        self.messages.put(("metric", name, step, value))

    def progress(self, fraction: float, message: str) -> None:
        self.messages.put(("progress", fraction, message))

    def cancelled(self) -> bool:
        return bool(self.stop.is_set())


@contextmanager
def relay_across_processes(channel: ProgressChannel) -> Iterator[QueueChannel]:
    """A channel that spawned processes can be given; what they say reaches ``channel`` in this process."""
    context = multiprocessing.get_context("spawn")
    messages, stop = context.Queue(), context.Event()
    over = threading.Event()

    def relay() -> None:
        while True:
            if channel.cancelled():
                stop.set()
            try:
                kind, *rest = messages.get(timeout=0.2)
            except queue.Empty:
                if over.is_set():
                    return
                continue
            getattr(channel, kind)(*rest)

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    try:
        yield QueueChannel(messages, stop)
    finally:
        over.set()
        thread.join(timeout=10)
