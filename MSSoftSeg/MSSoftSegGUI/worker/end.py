"""A worker that went away, in words: the cause as far as it can be known, and the next step."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.event_lines import Event
from MSSoftSegGUI.worker.processes import ProcessEnd
from MSSoftSegGUI.worker.stage_titles import name_stage

MISSING_MODULE = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'")


def make_failed_to_start_event(job: str, end: ProcessEnd) -> Event:
    """The ``failed`` event of a worker whose program does not run."""
    return _failed(
        job,
        "worker-not-started",
        _("The worker's Python could not be started: {reason}.").format(reason=end.could_not_start.rstrip(".")),
        _("Choose another Python interpreter under Environment, or reinstall the extension."),
    )


def make_crashed_event(job: str, end: ProcessEnd, *, stage: str, said: Sequence[str]) -> Event:
    """The ``failed`` event of a worker that ended while it had a job.

    stage: what it was doing, "" if nothing yet. said: its last lines on standard error.
    """
    if missing := next((found for line in reversed(said) if (found := MISSING_MODULE.match(line))), None):
        return _failed(
            job,
            "package-missing",
            _("The worker's Python lacks the package {name}.").format(name=missing[1].partition(".")[0]),
            _("Install what is missing under Environment, or choose another Python interpreter there."),
        )
    during = _(" during “{stage}”").format(stage=name_stage(stage)) if stage else ""
    if end.crashed and end.exit_code == _killed():
        return _failed(
            job,
            "worker-killed",
            _("The worker was killed{during}, most often because memory ran out.").format(during=during),
            _("Close other programs or choose the device CPU, then click Segment again."),
        )
    how = _signal_name(end.exit_code) if end.crashed else _("exit code {code}").format(code=end.exit_code)
    return _failed(
        job,
        "worker-crashed",
        _("The worker stopped unexpectedly{during} ({how}).").format(during=during, how=how),
        _("Click Segment again. If it happens twice, choose the device CPU and report the copied details."),
    )


def _failed(job: str, code: str, message: str, remedy: str) -> Event:
    return {"event": "failed", "job": job, "code": code, "message": message, "remedy": remedy}


def _killed() -> int:
    return int(getattr(signal, "SIGKILL", 9))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return _("code {number}").format(number=number)
