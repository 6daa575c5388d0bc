"""What the training section shows: one frozen picture per change, of the plan and of the training that is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from MSSoftSegGUI.worker.error_card import ErrorCard

Severity = Literal["error", "warning", "note"]
Phase = Literal["none", "starting", "running", "stopping", "stopped", "failed", "lost", "finished", "gone"]
ACTIVE = ("starting", "running", "stopping")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing, before a training. text: what, and what to do."""

    severity: Severity
    text: str


@dataclass(frozen=True)
class PreflightView:
    """What would happen. facts: one line each; can_train: whether a click on Train starts it."""

    is_busy: bool = False
    facts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    can_train: bool = False

    @property
    def text(self) -> str:
        """The facts as one paragraph."""
        return "\n".join(self.facts)


@dataclass(frozen=True)
class RunEntry:
    """A training in the list of all of them. folder: of its job, which identifies it."""

    folder: str
    title: str


@dataclass(frozen=True)
class TrainView:
    """The training that is looked at. chosen: its job's folder, "" = none. headline: how it is, in a sentence.

    percent: 0–100. has_best: whether it was validated, so that there are best weights. curves: (step, value) by metric.
    picture: the latest validation case as a file, None where there is none.
    """

    runs: tuple[RunEntry, ...] = ()
    chosen: str = ""
    phase: Phase = "none"
    headline: str = ""
    stage_text: str = ""
    percent: float = 0.0
    remaining_text: str = ""
    has_best: bool = False
    curves: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    picture: Path | None = None
    picture_time: float = 0.0
    error: ErrorCard | None = None
    log: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether a process works on it."""
        return self.phase in ACTIVE

    @property
    def can_stop(self) -> bool:
        """Whether a click on Stop does something."""
        return self.phase == "running"

    @property
    def can_resume(self) -> bool:
        """Whether it can go on."""
        return self.phase in ("stopped", "failed", "lost")

    @property
    def can_finish(self) -> bool:
        """Whether a model can be made of the best weights so far."""
        return self.can_resume and self.has_best


Verdict = Literal["better", "worse", "undecided", ""]


@dataclass(frozen=True)
class MeasureRow:
    """One measure: of the old model, of the new one, and what the difference says. is_worse: to be seen as such."""

    name: str
    first: str
    second: str
    difference: str
    is_worse: bool = False


@dataclass(frozen=True)
class JudgmentView:
    """The old model against the new one. verdict_text stands first; rows: means; cases: each held-out case.

    phase: none (nothing to judge) · open (not compared) · comparing · judged · deciding · decided · failed.
    """

    phase: Literal["none", "open", "comparing", "judged", "deciding", "decided", "failed"] = "none"
    verdict: Verdict = ""
    verdict_text: str = ""
    stage_text: str = ""
    percent: float = 0.0
    rows: tuple[MeasureRow, ...] = ()
    cases: tuple[MeasureRow, ...] = ()
    note: str = ""
    error: ErrorCard | None = None

    @property
    def can_decide(self) -> bool:
        """Whether there is something to decide; nothing is installed that was not compared."""
        return self.phase == "judged"

    @property
    def can_compare(self) -> bool:
        """Whether a comparison can be started."""
        return self.phase in ("open", "judged", "failed")

    @property
    def suggested(self) -> Literal["default", "candidate"]:
        """Which button is the default one: a model that was not found better is never installed by a mere Enter."""
        return "default" if self.verdict == "better" else "candidate"
