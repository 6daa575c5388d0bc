"""After a training: the old model against the new one on the cases that were held out, and what becomes of the new one.

Nothing is installed by itself. What the comparison found is said first; a model that was not found better is not offered
as the default, and becomes it only after a second question.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from MSSoftSegGUI.train.choices import name_run_folder
from MSSoftSegGUI.train.messages import describe_decision, describe_judgment, make_training_card, make_worse_question
from MSSoftSegGUI.train.view import JudgmentView
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard
from MSSoftSegGUI.worker.event_lines import Event
from MSSoftSegGUI.worker.port import WorkerPort
from MSSoftSegGUI.worker.stage_titles import name_stage
from MSSoftSegLib.jobs.detached.reading import JobState

Decision = Literal["default", "candidate", "discard"]
COMPARISON, COMPARISON_FILE = "comparison", "model_comparison.json"
# So many digital patients show whether the new model forgot what the old one could.
BASE_PATIENTS = 4


class Judge(WorkerPort, Protocol):
    """A worker for comparisons, which are long: it ends with them."""

    def restart(self) -> None: ...


class JudgmentPresenter:
    """judge: runs comparisons; quick_worker: decisions. confirm: asks the user; on_decided: the models are others now."""

    def __init__(
        self,
        judge: Judge,
        quick_worker: WorkerPort,
        *,
        show: Callable[[JudgmentView], None],
        confirm: Callable[[str], bool],
        on_decided: Callable[[Decision], None] = lambda decision: None,
        is_default: Callable[[Path], bool] = lambda model: False,
    ) -> None:
        self._judge, self._quick_worker, self._show, self._confirm = judge, quick_worker, show, confirm
        self._on_decided, self._is_default = on_decided, is_default
        self._state: JobState | None = None
        self._job = ""
        self.base_patients = BASE_PATIENTS
        self.view = JudgmentView()

    def choose(self, state: JobState | None) -> None:
        """This training is looked at now."""
        if self._state is not None and state is not None and state.folder == self._state.folder:
            self._state = state
            if self.view.phase != "none" or state.state != "finished":
                return
        else:
            self.forget()
            self._state = state
        if state is None or state.state != "finished":
            return
        model = Path(str(state.spec.get("out", "")))
        if not (model / "model.json").is_file():
            self._change(phase="decided", verdict_text=_("This model was discarded, or was moved elsewhere."))
            return
        found = _kept(state)
        if found is not None:
            self._change(describe_judgment(found))
        else:
            self._change(phase="open", verdict_text=_("Not compared yet: compare before you decide."))
        if self._is_default(model):
            self._change(phase="decided", verdict_text=_("This model is the default."))

    def compare(self, device: str = "auto") -> None:
        """Let both models segment what neither learned from; nothing happens while they do."""
        state = self._state
        if state is None or self._job or self.view.phase not in ("open", "judged", "failed"):
            return
        self._job = name = uuid.uuid4().hex[:12]
        spec = {
            "library": str(state.spec.get("library")),
            "second": str(state.spec.get("out")),
            "run": str(name_run_folder(state.spec)),
            "out": str(_comparison_folder(state)),
            "statuses": state.spec.get("statuses") or ["approved"],
            "base_patients": self.base_patients,
            "device": device,
            "overwrite": True,
        }
        text = _("Comparing the present model with the new one on held-out cases…")
        self._change(JudgmentView(phase="comparing", verdict_text=text))
        self._judge.submit({"job": name, "kind": "compare-models", "spec": spec}, lambda event: self._hear(name, event))

    def stop(self) -> None:
        """Compare no further."""
        if self._job and self.view.phase == "comparing":
            self._judge.cancel(self._job)

    def decide(self, decision: Decision) -> None:
        """Install as the default, keep as a candidate, or discard; what is not clearly better is asked about again."""
        state, verdict = self._state, self.view.verdict
        if state is None or not self.view.can_decide:
            return
        if decision == "default" and verdict != "better" and not self._confirm(make_worse_question(verdict, self.view)):
            return
        if decision == "discard" and not self._confirm(
            _("Delete the new model? Its training cannot be undone from this.")
        ):
            return
        spec = {
            "model": str(state.spec.get("out")),
            "decision": decision,
            "accept_worse": decision == "default" and verdict != "better",
        }
        before = self.view
        self._change(phase="deciding")
        document = {"job": uuid.uuid4().hex[:12], "kind": "promote-model", "spec": spec}
        self._quick_worker.submit(document, lambda event: self._decided(state, before, decision, event))

    def forget(self) -> None:
        """Another training is looked at, or the panel goes: what is being compared is of no use any more."""
        if self._job:
            self._judge.cancel(self._job)
            self._job = ""
        self._state = None
        self._change(JudgmentView())

    def _hear(self, name: str, event: Event) -> None:
        if name != self._job:
            return
        if event["event"] == "progress":
            share = event.get("overall")
            percent = 100 * float(share) if isinstance(share, int | float) else 0.0
            stage = " · ".join(filter(None, (name_stage(str(event.get("stage", ""))), str(event.get("message", "")))))
            self._change(percent=percent, stage_text=stage)
            return
        if event["event"] not in ("result", "failed", "cancelled"):
            return
        self._job = ""
        # A gigabyte of networks is not to stay for a comparison that comes once a month.
        self._judge.restart()
        if event["event"] == "result":
            summary = event.get("summary")
            self._change(describe_judgment(summary if isinstance(summary, dict) else {}))
        elif event["event"] == "failed":
            card = make_training_card(event, details=self._judge.details())
            self._change(JudgmentView(phase="failed", error=card, verdict_text=_("The models could not be compared.")))
        else:
            self._change(JudgmentView(phase="open", verdict_text=_("Not compared: the comparison was stopped.")))

    def _decided(self, state: JobState, before: JudgmentView, decision: Decision, event: Event) -> None:
        if event["event"] not in ("result", "failed", "cancelled"):
            return
        if event["event"] == "result":
            self._on_decided(decision)
        if self._state is None or state.folder != self._state.folder:
            return
        if event["event"] == "result":
            summary = event.get("summary")
            name = str(summary.get("model", "")) if isinstance(summary, dict) else ""
            self._change(before, phase="decided", verdict_text=describe_decision(decision, name), error=None)
            return
        error: ErrorCard | None = None
        if event["event"] == "failed":
            error = make_training_card(event, details=self._quick_worker.details())
        self._change(before, error=error)

    def _change(self, view: JudgmentView | None = None, **changes: Any) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)
        self._show(self.view)


def _comparison_folder(state: JobState) -> Path:
    return name_run_folder(state.spec) / COMPARISON


def _kept(state: JobState) -> Mapping[str, Any] | None:
    """What an earlier comparison of this model found."""
    try:
        document = json.loads((_comparison_folder(state) / COMPARISON_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and "verdict" in document else None
