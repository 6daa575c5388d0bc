"""Job folders as real trainings leave them, written line by line by a test; reading them is the product's own code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from MSSoftSegLib.jobs.detached.folder import CANCEL, EVENTS, HEARTBEAT, PROCESS, create_job_folder, write_document
from MSSoftSegLib.process_identity import identify_process


class MadeJob:
    """One training. It works until ``end`` or ``die`` is called; its process is this test's."""

    def __init__(self, models: Path, name: str = "model-1", **spec) -> None:
        self.out = models / name
        self.spec = {"library": "/share/library", "recipe": "mssoftseg-adapt", **spec, "out": str(self.out)}
        self.folder = create_job_folder("train", self.spec)
        self.live()
        self.say("started", kind="train", stages=["preparing", "training"])

    def live(self) -> None:
        """A process works on it."""
        write_document(self.folder / PROCESS, identify_process(os.getpid()))
        (self.folder / HEARTBEAT).touch()

    def say(self, event: str, **fields) -> None:
        """One event more."""
        self.write(json.dumps({"event": event, "job": self.folder.name, **fields}) + "\n")

    def write(self, text: str) -> None:
        """Bytes at the end of its events, as a process that is killed within a line leaves them."""
        with (self.folder / EVENTS).open("a", encoding="utf-8") as stream:
            stream.write(text)

    def metric(self, name: str, step: int, value: float) -> None:
        """One measured value."""
        self.say("metric", name=name, step=step, value=value)

    def progress(self, overall: float, message: str = "") -> None:
        """How far it is."""
        self.say("progress", stage="training", fraction=overall, overall=overall, message=message)

    def die(self) -> None:
        """Killed: no word any more."""
        child = subprocess.Popen([sys.executable, "-c", ""])
        known = identify_process(child.pid)
        child.wait()
        write_document(self.folder / PROCESS, known)
        long_ago = time.time() - 3600
        for path in self.folder.iterdir():
            os.utime(path, (long_ago, long_ago))

    def finish(self) -> None:
        """The model is there."""
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "model.json").write_text("{}")
        self.say("result", path=self.out.name, summary={"model": self.out.name, "best_validation_dsc": [0.61]})

    @property
    def was_asked_to_stop(self) -> bool:
        """Whether somebody wants it to stop."""
        return (self.folder / CANCEL).exists()

    def vanish(self) -> None:
        """Somebody removed the folder."""
        shutil.rmtree(self.folder)
