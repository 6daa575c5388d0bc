"""A process of the worker as QProcess runs it: bytes in and out, and one end."""

from __future__ import annotations

import logging

import qt

from MSSoftSegGUI.worker.process_tree import kill_process_tree
from MSSoftSegGUI.worker.processes import ProcessCommand, ProcessEnd

START_FAILED = "the program could not be started"
# A QProcess that is collected while its program runs would block until that has died.
_running: set[QtProcess] = set()


class QtProcess:
    """One run of one program. Its callbacks come from the event loop, ``on_end`` exactly once."""

    def __init__(self) -> None:
        self._process = qt.QProcess()
        self._ended = False

    def start(self, command: ProcessCommand, *, on_output, on_error_output, on_end) -> None:
        """Start the program; what it writes and how it ends goes to the three callbacks."""
        self._onOutput, self._onErrorOutput, self._onEnd = on_output, on_error_output, on_end
        if command.environment is not None:
            self._process.setProcessEnvironment(_qtEnvironment(command.environment))
        self._process.connect("readyReadStandardOutput()", self.onReadyReadOutput)
        self._process.connect("readyReadStandardError()", self.onReadyReadErrorOutput)
        self._process.connect("finished(int,QProcess::ExitStatus)", self.onFinished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self.onErrorOccurred)
        _running.add(self)
        self._process.start(command.program, list(command.arguments))

    def write(self, data: bytes) -> None:
        """Send bytes to the program's standard input."""
        self._process.write(qt.QByteArray(data))

    def kill_tree(self) -> None:  # called by presenters, which have Python's names
        """End the program and all that it started."""
        if not self.is_running:
            return
        kill_process_tree(int(self._process.processId()))
        self._process.kill()

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process.state() != qt.QProcess.NotRunning

    def wait(self, seconds: float) -> None:
        """Block until the end, at most so long."""
        self._process.waitForFinished(int(seconds * 1000))

    def onReadyReadOutput(self) -> None:
        self._onOutput(_bytes(self._process.readAllStandardOutput()))

    def onReadyReadErrorOutput(self) -> None:
        self._onErrorOutput(_bytes(self._process.readAllStandardError()))

    def onFinished(self, exitCode, exitStatus) -> None:
        self.onReadyReadOutput()
        self.onReadyReadErrorOutput()
        self._end(ProcessEnd(int(exitCode), exitStatus == qt.QProcess.CrashExit))

    def onErrorOccurred(self, error) -> None:
        # Other errors are followed by finished(); this one is not. Its caller may still be inside start().
        if error == qt.QProcess.FailedToStart:
            qt.QTimer.singleShot(0, self.onStartFailed)
        else:
            logging.debug("worker process: %s", self._process.errorString())

    def onStartFailed(self) -> None:
        self._end(ProcessEnd(-1, False, self._process.errorString() or START_FAILED))

    def _end(self, end: ProcessEnd) -> None:
        if not self._ended:
            self._ended = True
            _running.discard(self)
            self._onEnd(end)


def waitForEnds(seconds: float) -> None:
    """Let programs that were killed end, so that none outlives its QProcess: for leaving the module only."""
    for process in list(_running):
        process.wait(seconds)


def callLater(seconds: float, callback) -> None:
    """Call back from the event loop after so many seconds."""
    qt.QTimer.singleShot(int(seconds * 1000), callback)


def _bytes(array) -> bytes:
    return bytes(array.data())


def _qtEnvironment(variables):
    environment = qt.QProcessEnvironment()
    for name, value in variables.items():
        environment.insert(name, value)
    return environment
