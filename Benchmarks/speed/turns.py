"""Programs that work in turns: so many steps when told to, stopped with all their processes between, so that none lends time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

# What a program says before its first turn; other lines are a library's greetings.
READY = "ready"


class Turn:
    """In the program that works: told of each step, it answers when the turn's steps are done, and waits for the next."""

    def __init__(self) -> None:
        self.ended = False
        self.waited_s = 0.0
        self._left = 0
        self._since: list[float] | None = None

    def stepped(self) -> bool:
        """Called after each step; the first is not counted. True when there is no further turn."""
        self._left -= 1
        if self._left > 0:
            return False
        if self._since is None:
            sys.stdout.write(READY + "\n")
        else:
            spent = [now - then for now, then in zip(self._clocks(), self._since, strict=True)]
            names = ("step_s", "samples_s", "clock_s", "waited_s")
            sys.stdout.write(json.dumps(dict(zip(names, spent, strict=True))) + "\n")
        sys.stdout.flush()
        asked = sys.stdin.readline()
        self.ended = not asked
        self._left = int(asked or 1)
        self._since = self._clocks()
        return self.ended

    def _clocks(self) -> list[float]:
        """Processor seconds of this process and of those that make its samples, the clock, what was waited for samples."""
        times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
        return [time.process_time(), sum(each.user + each.system for each in times), time.monotonic(), self.waited_s]


class Player:
    """Such a program as its measurer sees it: it runs while it has its turn."""

    def __init__(self, script: str, arguments: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(script)), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self._read_until(READY)
        self._signal(signal.SIGSTOP)

    def play(self, steps: int) -> dict[str, float]:
        """What so many steps took, each per step."""
        self._signal(signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        answer = json.loads(self._read_until("{"))
        self._signal(signal.SIGSTOP)
        return {name: seconds / steps for name, seconds in answer.items()}

    def close(self) -> None:
        """End it with all its processes."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)

    def _read_until(self, start: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(start):
                return line
        raise SystemExit("a training ended before its turn: see its message above")
