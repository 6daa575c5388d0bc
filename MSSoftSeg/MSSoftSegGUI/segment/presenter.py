"""The Segment button: from what is selected to a finished run, through one worker, with one picture per change.

idle → preparing (volumes are written, one per turn of the event loop) → running → done, failed or cancelled.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from MSSoftSegGUI.segment.job_documents import Kind, Selections, make_job_document
from MSSoftSegGUI.segment.run_view import RunView
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard, make_card, make_sentence
from MSSoftSegGUI.worker.event_lines import KEPT_LOG_LINES, Event
from MSSoftSegGUI.worker.export_problem import make_export_card
from MSSoftSegGUI.worker.port import WorkerPort
from MSSoftSegGUI.worker.processes import Later
from MSSoftSegGUI.worker.remaining_time import say_remaining
from MSSoftSegGUI.worker.stage_titles import name_stage

TICK_S = 1.0


class Exporter(Protocol):
    """Writes nodes of the scene to files, in world coordinates."""

    def write_volume(self, node_id: str, path: Path) -> None:
        """A scalar volume."""

    def write_mask(self, node_id: str, path: Path) -> None:
        """A brain mask, on the voxels of the FLAIR image."""


@dataclass(frozen=True)
class FinishedRun:
    """A run that went well. folder: its result folder, which stays until its owner removes it."""

    kind: Kind
    folder: Path
    selections: Selections
    summary: Mapping[str, Any]


@dataclass
class _Run:
    kind: Kind
    selections: Selections
    folder: Path
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    since: float = 0.0
    share: float = 0.0
    wanted: bool = True
    submitted: bool = False
    images: dict[str, Path] = field(default_factory=dict)
    brain_mask: Path | None = None


class SegmentPresenter:
    """One run at a time. runs_folder: where each run gets a folder of its own, removed unless it ends well.

    on_preview: gets the folder of a first answer, whose files are there until the run ends.
    """

    def __init__(
        self,
        worker: WorkerPort,
        exporter: Exporter,
        later: Later,
        *,
        runs_folder: Path,
        show: Callable[[RunView], None],
        on_result: Callable[[FinishedRun], None],
        on_preview: Callable[[Path], None] = lambda folder: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._worker, self._exporter, self._later, self._clock = worker, exporter, later, clock
        self._runs_folder, self._show = runs_folder, show
        self._on_result, self._on_preview = on_result, on_preview
        self._run: _Run | None = None
        self.view = RunView()

    def toggle(self, selections: Selections) -> None:
        """The large button: start, or cancel what runs."""
        if self.view.is_running:
            self.cancel()
        else:
            self.segment(selections)

    def segment(self, selections: Selections) -> None:
        """Start a whole segmentation; nothing happens while a run is under way."""
        self._begin("segment", selections)

    def preprocess(self, selections: Selections) -> None:
        """Start preprocessing only."""
        self._begin("preprocess", selections)

    def cancel(self) -> None:
        """Stop the run that is under way."""
        run = self._run
        if run is None or self.view.phase == "cancelling":
            return
        if not run.submitted:
            self._end(run, phase="cancelled", stage_text=_("Cancelled."))
            return
        self._change(phase="cancelling", stage_text=_("Cancelling…"), remaining_text="")
        self._worker.cancel(run.name)

    def forget(self) -> None:
        """The scene was closed: stop the run, and let nothing of it reach the panel any more."""
        run, self._run = self._run, None
        self.view = RunView()
        if run is None:
            return
        run.wanted = False
        if run.submitted:
            self._worker.cancel(run.name)
        else:
            shutil.rmtree(run.folder, ignore_errors=True)

    def say(self, note: str) -> None:
        """Add a sentence to what there is to know after a run."""
        if not self.view.is_running and note not in self.view.note:
            self._change(note=" ".join(filter(None, (self.view.note, note))))

    def dismiss(self) -> None:
        """The reader has gone on: what the last run left to say is past."""
        if not self.view.is_running and (self.view.error or self.view.note):
            self._change(RunView(log=self.view.log))

    def fail(self, what: str, remedy: str, details: str = "") -> None:
        """Something about this run went wrong outside the worker: it ends, if it has not, with this one message."""
        run, card = self._run, ErrorCard(make_sentence(what), make_sentence(remedy), details or what)
        if run is None:
            self._change(phase="failed", error=card, note="")
            return
        run.wanted = False
        if run.submitted:
            self._worker.cancel(run.name)
        self._end(run, phase="failed", stage_text="", error=card)

    def _begin(self, kind: Kind, selections: Selections) -> None:
        if self._run is not None:
            return
        if problem := _problem(selections):
            self._change(RunView(phase="failed", kind=kind, error=problem))
            return
        run = _Run(kind, selections, folder=Path())
        run.folder, run.since = self._runs_folder / run.name, self._clock()
        self._run = run
        text = _("Preparing the images")
        self._change(RunView(phase="preparing", kind=kind, case_name=selections.case_name, stage_text=text))
        self._later(0.0, lambda: self._export_next(run))

    def _export_next(self, run: _Run) -> None:
        """Write one volume, then give the event loop its turn."""
        if self._run is not run:
            return
        inputs = run.folder / "input"
        missing = [(slot, node) for slot, node in run.selections.images().items() if slot not in run.images]
        try:
            inputs.mkdir(parents=True, exist_ok=True)
            if missing:
                slot, node = missing[0]
                path = inputs / f"{slot.upper()}.nii"
                self._exporter.write_volume(node, path)
                run.images[slot] = path
            elif run.selections.brain_mask and run.brain_mask is None:
                slot, path = "brain mask", inputs / "brain_mask.nii"
                self._exporter.write_mask(run.selections.brain_mask, path)
                run.brain_mask = path
            else:
                self._submit(run)
                return
        except (OSError, ValueError, RuntimeError, LookupError) as problem:
            self._end(run, phase="failed", stage_text="", error=make_export_card(slot, problem, run.folder.parent))
            return
        self._later(0.0, lambda: self._export_next(run))

    def _submit(self, run: _Run) -> None:
        document = make_job_document(
            run.kind,
            run.name,
            run.selections,
            images=run.images,
            brain_mask=run.brain_mask,
            out=run.folder / "result",
        )
        run.submitted = True
        self._change(phase="running", stage_text=_("Starting the worker"))
        self._worker.submit(document, lambda event: self._hear(run, event))
        self._later(TICK_S, lambda: self._tick(run))

    def _tick(self, run: _Run) -> None:
        """Let the remaining time go down while a stage reports nothing."""
        if self._run is not run:
            return
        if self.view.phase == "running":
            self._change(remaining_text=say_remaining(self._clock() - run.since, run.share))
        self._later(TICK_S, lambda: self._tick(run))

    def _hear(self, run: _Run, event: Event) -> None:
        if not run.wanted:
            if event["event"] in ("result", "failed", "cancelled"):
                shutil.rmtree(run.folder, ignore_errors=True)
            return
        handler = getattr(self, f"_hear_{event['event']}", None)
        if handler is not None:
            handler(run, event)

    def _hear_progress(self, run: _Run, event: Event) -> None:
        share = event.get("overall")
        if isinstance(share, int | float):
            run.share = min(1.0, max(run.share, float(share)))
        if self.view.phase == "running":
            title = name_stage(str(event.get("stage", "")))
            self._change(
                stage_text=title,
                percent=100 * run.share,
                remaining_text=say_remaining(self._clock() - run.since, run.share),
            )

    def _hear_preview(self, run: _Run, event: Event) -> None:
        if self.view.phase != "running":
            return
        summary = event.get("summary")
        volume_ml = summary.get("volume_ml") if isinstance(summary, dict) else None
        found = _("{volume:.2f} ml. ").format(volume=volume_ml) if isinstance(volume_ml, int | float) else ""
        text = _("Preview, one look of the network: {found}Uncertainty and the final answer follow.")
        self._change(note=text.format(found=found))
        self._on_preview(Path(str(event.get("path", ""))))

    def _hear_log(self, run: _Run, event: Event) -> None:
        line = str(event.get("message", ""))
        self._change(log=(*self.view.log, line)[-KEPT_LOG_LINES:])

    def _hear_result(self, run: _Run, event: Event) -> None:
        self._run = None
        shutil.rmtree(run.folder / "input", ignore_errors=True)
        summary = event.get("summary")
        summary = summary if isinstance(summary, dict) else {}
        # Those of a segmentation are said where it is reviewed, and are saved with it.
        warnings = summary.get("warnings", []) if run.kind == "preprocess" else []
        note = " ".join(make_sentence(str(each)) for each in warnings)
        kind = "warning" if note else "note"
        self._change(phase="done", percent=100.0, stage_text="", remaining_text="", note=note, note_kind=kind)
        self._on_result(FinishedRun(run.kind, run.folder / "result", run.selections, summary))

    def _hear_failed(self, run: _Run, event: Event) -> None:
        details = "\n".join([*self.view.log[-40:], self._worker.details()])
        self._end(run, phase="failed", stage_text="", error=make_card(event, details=details))

    def _hear_cancelled(self, run: _Run, event: Event) -> None:
        self._end(run, phase="cancelled", stage_text=_("Cancelled."))

    def _end(self, run: _Run, **changes: Any) -> None:
        self._run = None
        shutil.rmtree(run.folder, ignore_errors=True)
        self._change(remaining_text="", note="", **changes)

    def _change(self, view: RunView | None = None, **changes: Any) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)
        self._show(self.view)


def _problem(selections: Selections) -> ErrorCard | None:
    """What is wrong with the selections before anything is started."""
    if not selections.flair:
        return ErrorCard(_("No FLAIR image is selected."), _("Select the FLAIR image of the exam."), "no FLAIR")
    chosen = list(selections.images().values())
    if len(set(chosen)) < len(chosen):
        return ErrorCard(_("The same image is selected twice."), _("Select each image once."), "one image in two slots")
    return None
