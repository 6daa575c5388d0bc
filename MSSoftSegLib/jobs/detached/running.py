"""The process of a long job: runs it, writes down what it says, and asks the folder whether to stop."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from MSSoftSegLib.errors import MSSoftSegError, RequestError
from MSSoftSegLib.jobs.detached.event_log import EventLog
from MSSoftSegLib.jobs.detached.folder import CANCEL, JOB, LOCK, PROCESS, read_document, write_document
from MSSoftSegLib.jobs.detached.heartbeat import keep_beating
from MSSoftSegLib.jobs.detached.one_writer import hold_lock
from MSSoftSegLib.jobs.detached.priority import step_back
from MSSoftSegLib.jobs.run import make_failed_event, parse_job, run
from MSSoftSegLib.process_identity import identify_process

LOGGER = logging.getLogger(__name__)


def run_folder_job(folder: Path) -> int:
    """Run the job of a folder to its end; the exit code that a shell would have seen."""
    _prepare_process()
    with hold_lock(folder / LOCK) as is_ours:
        if not is_ours:
            LOGGER.warning("this job runs already")
            return RequestError.exit_code
        with suppress(OSError):
            # On a full disk the heartbeat alone says that somebody is here.
            write_document(folder / PROCESS, identify_process(os.getpid()))
        log = EventLog(folder)
        try:
            with keep_beating(folder) as folder_gone:
                return _run(folder, log, folder_gone)
        finally:
            log.close()


def _run(folder: Path, log: EventLog, folder_gone: threading.Event) -> int:
    terminated = end_at_signal()

    def cancelled() -> bool:
        return terminated.is_set() or folder_gone.is_set() or (folder / CANCEL).exists()

    try:
        job = parse_job(_document(folder))
    except MSSoftSegError as problem:
        log.emit(make_failed_event(folder.name, problem))
        return problem.exit_code
    return run(job, log.emit, cancelled=cancelled).exit_code


def _document(folder: Path) -> dict[str, Any]:
    document = read_document(folder / JOB)
    if document is None:
        raise RequestError(f"{JOB} of this job cannot be read", remedy="start the job anew")
    return {"job": folder.name, "kind": document.get("kind"), "spec": document.get("spec")}


def _prepare_process() -> None:
    """Errors to the log, no end with a terminal, second place behind who waits."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    faulthandler.enable()
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    step_back()


def end_at_signal() -> threading.Event:
    """Set when the machine is shut down: the job then stops at a checkpoint, as if it were cancelled."""
    asked = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, frame: asked.set())
    return asked
