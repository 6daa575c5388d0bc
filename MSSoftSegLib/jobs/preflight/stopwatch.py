"""Time that computing takes: on a processor what it worked, whatever else ran there meanwhile; on a device, by the wall."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch


class Stopwatch:
    """Times actions on one kind of device."""

    def __init__(self, accelerator: str) -> None:
        self._accelerator = accelerator

    def seconds(self, action: Callable[[], object]) -> float:
        """Of one go."""
        self._wait()
        began_s = self._now_s()
        action()
        self._wait()
        return self._now_s() - began_s

    def _now_s(self) -> float:
        if self._accelerator == "cpu":
            return time.process_time() / torch.get_num_threads()
        return time.monotonic()

    def _wait(self) -> None:
        """Devices compute on after they were asked to."""
        if self._accelerator == "cuda":
            torch.cuda.synchronize()
        elif self._accelerator == "mps":
            torch.mps.synchronize()
