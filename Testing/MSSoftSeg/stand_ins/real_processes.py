"""Real processes and a small event loop for tests of the presenters: what Qt does in the panel."""

from __future__ import annotations

import heapq
import itertools
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

from MSSoftSegGUI.worker.process_tree import kill_process_tree
from MSSoftSegGUI.worker.processes import ProcessCommand, ProcessEnd

from Testing.patience import HANGING_S

CHECKOUT = Path(__file__).resolve().parents[3]


class EventLoop:
    """Callbacks in the thread that asks for them, in the order in which they became due."""

    def __init__(self):
        self._due = queue.Queue()
        self._timers = []
        self._count = itertools.count()

    def later(self, seconds, callback):
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._count), callback))

    def post(self, callback):
        """From any thread."""
        self._due.put(callback)

    def turn(self, longest_s=0.02):
        """Everything that is due now; waits a little where nothing is."""
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        try:
            callback = self._due.get(timeout=longest_s)
        except queue.Empty:
            return
        callback()

    def until(self, condition):
        """Turn until the condition holds."""
        end = time.monotonic() + HANGING_S
        while not condition():
            assert time.monotonic() < end, "it never happened"
            self.turn()

    def for_a_while(self, seconds):
        """Turn for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()


class RealProcess:
    """A process whose callbacks come through the event loop."""

    def __init__(self, loop):
        self._loop, self._process = loop, None

    @property
    def is_running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def id(self):
        return self._process.pid

    def start(self, command, *, on_output, on_error_output, on_end):
        try:
            self._process = subprocess.Popen(
                [command.program, *command.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=command.environment,
            )
        except OSError as problem:
            end = ProcessEnd(0, could_not_start=problem.strerror)
            self._loop.post(lambda: on_end(end))
            return
        readers = [
            threading.Thread(target=self._read, args=(stream, callback), daemon=True)
            for stream, callback in ((self._process.stdout, on_output), (self._process.stderr, on_error_output))
        ]
        for reader in readers:
            reader.start()
        threading.Thread(target=self._wait, args=(readers, on_end), daemon=True).start()

    def write(self, data):
        if not self.is_running:
            return
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (OSError, ValueError):
            return

    def kill_tree(self):
        if self.is_running:
            kill_process_tree(self._process.pid)

    def _read(self, stream, callback):
        while data := os.read(stream.fileno(), 65536):
            self._loop.post(lambda data=data: callback(data))

    def _wait(self, readers, on_end):
        code = self._process.wait()
        for reader in readers:
            reader.join(timeout=5)
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()
        end = ProcessEnd(-code, crashed=True) if code < 0 else ProcessEnd(code)
        self._loop.post(lambda: on_end(end))


def python_command(module, arguments=(), **variables):
    """``python -m module`` with this checkout's library; variables are set besides."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1", **variables}
    return ProcessCommand(sys.executable, ("-m", module, *arguments), environment)


def script_command(text, *arguments):
    """A Python program given as text."""
    return ProcessCommand(sys.executable, ("-u", "-c", text, *arguments), dict(os.environ))
