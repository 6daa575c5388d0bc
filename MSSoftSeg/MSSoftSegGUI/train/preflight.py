"""Before a training: what would happen and what is wrong, asked anew a moment after each change of the choices."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from MSSoftSegGUI.train.choices import TrainChoices
from MSSoftSegGUI.train.messages import make_training_card
from MSSoftSegGUI.train.view import Finding, PreflightView
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import make_sentence
from MSSoftSegGUI.worker.event_lines import Event
from MSSoftSegGUI.worker.port import WorkerPort
from MSSoftSegGUI.worker.processes import Later

# While a name is being typed nothing is asked.
PATIENCE_S = 0.6
SEVERITIES = ("error", "warning", "note")


class PreflightPresenter:
    """models: gives the folder of new models, or raises ImportError before the library's packages are installed.

    others_running: whether a training works on this computer already.
    """

    def __init__(
        self,
        quick_worker: WorkerPort,
        later: Later,
        *,
        models: Callable[[], Path],
        show: Callable[[PreflightView], None],
        others_running: Callable[[], bool] = lambda: False,
    ) -> None:
        self._quick_worker, self._later, self._models, self._show = quick_worker, later, models, show
        self._others_running = others_running
        self._serial = 0
        self._job = ""
        self.view = PreflightView()

    def choose(self, choices: TrainChoices) -> None:
        """The choices are these now: ask, unless they change again within a moment."""
        self.forget()
        if problem := choices.problem():
            self._change(PreflightView(facts=(problem,)))
            return
        self._change(PreflightView(is_busy=True, facts=(_("Looking at the cases…"),)))
        serial = self._serial
        self._later(PATIENCE_S, lambda: self._ask(choices, serial))

    def forget(self) -> None:
        """Nobody waits for an answer any more."""
        self._serial += 1
        if self._job:
            self._quick_worker.cancel(self._job)
            self._job = ""

    def _ask(self, choices: TrainChoices, serial: int) -> None:
        if serial != self._serial:
            return
        try:
            spec = choices.spec(self._models())
        except ImportError:
            text = _("The library’s packages are missing. Install them under Environment.")
            self._change(PreflightView(findings=(Finding("error", text),)))
            return
        self._job = uuid.uuid4().hex[:12]
        document = {"job": self._job, "kind": "train-preflight", "spec": spec}
        self._quick_worker.submit(document, lambda event: self._hear(serial, event))

    def _hear(self, serial: int, event: Event) -> None:
        if serial != self._serial:
            return
        if event["event"] == "failed":
            self._job = ""
            card = make_training_card(event, details=self._quick_worker.details())
            self._change(PreflightView(findings=(Finding("error", f"{card.what} {card.remedy}"),)))
        elif event["event"] == "result":
            self._job = ""
            summary = event.get("summary")
            view = read_answer(summary if isinstance(summary, dict) else {})
            others = ()
            if self._others_running():
                others = (Finding("note", _("Another training is running on this computer: both take longer.")),)
            self._change(view, findings=(*view.findings, *others))

    def _change(self, view: PreflightView | None = None, **changes: Any) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)
        self._show(self.view)


def read_answer(summary: Mapping[str, Any]) -> PreflightView:
    """A pre-flight's summary in words; what is wrong stands first."""
    findings = sorted(map(_finding, summary.get("findings") or ()), key=lambda each: SEVERITIES.index(each.severity))
    return PreflightView(
        facts=tuple(_facts(summary)),
        findings=tuple(findings),
        can_train=not any(finding.severity == "error" for finding in findings),
    )


def _finding(entry: Mapping[str, Any]) -> Finding:
    severity = str(entry.get("severity"))
    remedy = str(entry.get("remedy") or "")
    # What speaks of the command line helps nobody here.
    own = "" if "--" in remedy or "mssoftseg" in remedy else remedy
    texts = (make_sentence(text) for text in (str(entry.get("message") or ""), own))
    return Finding(severity if severity in SEVERITIES else "warning", " ".join(filter(None, texts)))


def _facts(summary: Mapping[str, Any]) -> list[str]:
    """Patients, cases, folds, time and disk, as far as they are known."""
    lines = []
    patients, visits, cases = (_count(summary.get(name)) for name in ("patients", "visits", "cases"))
    if patients is not None:
        lines.append(
            _("{patients} patients, {visits} visits, {cases} cases.").format(
                patients=patients,
                visits=visits if visits is not None else "?",
                cases=cases if cases is not None else "?",
            )
        )
    folds = _count(summary.get("folds"))
    training, validation = (_count(summary.get(name)) for name in ("training", "validation"))
    if folds is not None and folds > 1:
        lines.append(_("{folds} folds by patient, one model each.").format(folds=folds))
    if training is not None and validation is not None:
        lines.append(
            _("{training} cases are learned from, {validation} held out to judge.").format(
                training=training, validation=validation
            )
        )
    seconds, needed, free = (summary.get(name) for name in ("estimated_s", "disk_needed_mb", "disk_free_mb"))
    if isinstance(seconds, int | float):
        lines.append(_("About {time} on this computer.").format(time=say_duration(float(seconds))))
    if isinstance(needed, int | float) and isinstance(free, int | float):
        lines.append(
            _("{needed} of disk are needed, {free} are free.").format(needed=_size_text(needed), free=_size_text(free))
        )
    return lines


def _count(value: object) -> int | None:
    """A number; of a list, which a job may give for one fold each, the mean."""
    if isinstance(value, list | tuple):
        numbers = [each for each in value if isinstance(each, int | float)]
        return round(sum(numbers) / len(numbers)) if numbers else None
    return round(value) if isinstance(value, int | float) else None


def say_duration(seconds: float) -> str:
    """Seconds as one would say it."""
    if seconds < 90:
        return _("a minute")
    minutes = seconds / 60
    if minutes < 90:
        return _("{count} minutes").format(count=round(minutes))
    hours = minutes / 60
    if hours < 36:
        return _("{count} hours").format(count=f"{hours:.1f}".removesuffix(".0"))
    return _("{count} days").format(count=f"{hours / 24:.1f}".removesuffix(".0"))


def _size_text(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
