"""Which kinds of job there are, and what runs each. Nothing here knows a kind by name, and no runner is imported before it runs.

Each family of jobs (a folder of this room) declares its kinds in its file ``runners``: ``RUNNERS`` gives for each document
the function of the family that runs it, as ``"module.function"``. (Not in its ``__init__``: the panel reads detached jobs before
pydantic is installed.) Adding a job touches three places:

1. its document: ``documents``, a file with a specification and ``class NameJob(Job[Literal["name"], NameSpec])``;
2. its runner: a file of its family with a function ``run_name(job, emit, cancelled) -> Path``;
3. the family's ``RUNNERS``: ``NameJob: "NAME.run_name"``; of a long job, which may run detached, ``LONG`` there too: the function
   that gives the specification with which a stopped one goes on.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

from MSSoftSegLib.jobs.documents.document import Document
from MSSoftSegLib.jobs.documents.job import Job
from MSSoftSegLib.jobs.events import Emit

ROOM = "MSSoftSegLib.jobs"
FAMILIES = ("change", "detached", "evaluate", "exam", "library", "preflight", "regions", "segment", "softmask", "train")
AnyJob = Job[str, Document]
Runner = Callable[[Any, Emit, Callable[[], bool]], Path]


@dataclass(frozen=True)
class JobKind:
    """document: what a request of this kind is checked against. module, function: what runs it.

    resuming: module and function that say how a stopped one goes on; empty for what is too short to be detached.
    """

    name: str
    document: type[AnyJob]
    module: str
    function: str
    resuming: str = ""

    @property
    def is_long(self) -> bool:
        """Whether such a job may run in a process of its own."""
        return bool(self.resuming)

    def load_resuming(self) -> Callable[[Any], dict[str, Any]]:
        """The function that gives the specification with which a stopped job of this kind goes on."""
        module, function = self.resuming.rsplit(".", 1)
        resuming: Callable[[Any], dict[str, Any]] = getattr(importlib.import_module(module), function)
        return resuming

    def load_runner(self) -> Runner:
        """The function that runs jobs of this kind; importing it may load torch, which takes seconds."""
        runner: Runner = getattr(importlib.import_module(self.module), self.function)
        return runner


@cache
def find_job_kinds() -> dict[str, JobKind]:
    """Every kind by its name, in order of name."""
    found: dict[str, JobKind] = {}
    for family in FAMILIES:
        room = f"{ROOM}.{family}"
        declared = importlib.import_module(f"{room}.runners")
        for document, runner in declared.RUNNERS.items():
            (name,) = get_args(document.model_fields["kind"].annotation)
            module, function = runner.rsplit(".", 1)
            resuming = getattr(declared, "LONG", {}).get(document, "")
            found[name] = JobKind(name, document, f"{room}.{module}", function, resuming and f"{room}.{resuming}")
    return dict(sorted(found.items()))
