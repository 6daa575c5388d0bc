"""Trainings of this user: one is started, watched, stopped or resumed here, and works on whatever becomes of the panel.

The panel only reads what the training writes into its folder, once a second; it asks by files too. So a training that was
started by another Slicer, or before this one was opened, is watched just as well.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from MSSoftSegGUI.train.choices import name_run_folder
from MSSoftSegGUI.train.long_jobs import Tail
from MSSoftSegGUI.train.messages import describe_end, describe_entry, describe_failure, describe_run, make_training_card
from MSSoftSegGUI.train.training_log import TrainingLog
from MSSoftSegGUI.train.view import Phase, RunEntry, TrainView
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard, make_sentence
from MSSoftSegGUI.worker.event_lines import Event
from MSSoftSegGUI.worker.port import WorkerPort
from MSSoftSegGUI.worker.processes import Later
from MSSoftSegGUI.worker.remaining_time import say_remaining
from MSSoftSegGUI.worker.stage_titles import name_stage
from MSSoftSegLib.jobs.detached.reading import JobState

POLL_S = 1.0
PICTURE = "validation.png"
PHASES: dict[str, Phase] = {"running": "running", "finished": "finished", "failed": "failed"}
PHASES |= {"cancelled": "stopped", "lost": "lost"}


class Jobs(Protocol):
    """What is needed of the jobs folder."""

    def trainings(self) -> Sequence[JobState]: ...

    def state(self, folder: Path) -> JobState | None: ...

    def tail(self, folder: Path) -> Tail: ...

    def stop(self, folder: Path) -> None: ...


@dataclasses.dataclass
class _Watched:
    """The training that is looked at. since, share: when it was first seen to work, and how far it was then."""

    state: JobState
    tail: Tail
    training_log: TrainingLog
    since: float
    share: float | None = None
    is_stopping: bool = False
    was_seen_running: bool = False


class TrainPresenter:
    """quick_worker: runs the short job that starts a training. on_finished: a training that was watched came to its good end."""

    def __init__(
        self,
        jobs: Jobs,
        quick_worker: WorkerPort,
        later: Later,
        *,
        show: Callable[[TrainView], None],
        on_chosen: Callable[[JobState | None], None] = lambda state: None,
        on_finished: Callable[[JobState], None] = lambda state: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs, self._quick_worker, self._later, self._show, self._clock = jobs, quick_worker, later, show, clock
        self._on_chosen, self._on_finished = on_chosen, on_finished
        self._watched: _Watched | None = None
        self._is_starting = False
        self._polls = 0
        self.view = TrainView()

    @property
    def state(self) -> JobState | None:
        """The training that is looked at."""
        return self._watched.state if self._watched is not None else None

    def look(self) -> None:
        """The panel is opened: list all trainings, and go to the newest that runs, or else to the newest."""
        states = self._jobs.trainings()
        running = [state for state in states if state.state == "running"]
        watched = self.state
        if running and (watched is None or watched.state != "running"):
            self._watch(running[0])
        elif watched is None and states:
            self._watch(states[0])
        else:
            self._read()

    def choose(self, folder: str) -> None:
        """Look at another training."""
        state = self._jobs.state(Path(folder)) if folder else None
        if state is not None:
            self._watch(state)
        else:
            self._leave(_("This training is not there any more."))

    def start(self, spec: Mapping[str, Any]) -> None:
        """Start a training in a process of its own; nothing happens while one is being started."""
        self._detach({"kind": "train", "spec": dict(spec)})

    def resume(self) -> None:
        """Let the training that is looked at go on where it was."""
        if self._watched is not None and self.view.can_resume:
            self._detach({"resume": str(self._watched.state.folder)})

    def finish(self) -> None:
        """Learn no more: let the model be made of the best weights so far."""
        if self._watched is not None and self.view.can_finish:
            more = {"resume": True, "overwrite": False, "replace": True, "finish": True}
            self._detach({"kind": "train", "spec": {**self._watched.state.spec, **more}})

    def stop(self) -> None:
        """Ask it to stop at its next step; the best weights so far are kept."""
        watched = self._watched
        if watched is None or not self.view.can_stop:
            return
        try:
            self._jobs.stop(watched.state.folder)
        except OSError as problem:
            what = _("The training could not be asked to stop: {reason}").format(reason=problem.strerror or "")
            remedy = _("Its job folder may have been removed.")
            self._change(error=ErrorCard(make_sentence(what), remedy, str(problem.strerror)))
            return
        watched.is_stopping = True
        self._read()

    def leave(self) -> None:
        """The panel goes: watch no longer. The training works on."""
        self._polls += 1
        self._watched = None
        self._is_starting = False
        self.view = TrainView()

    def _detach(self, spec: Mapping[str, Any]) -> None:
        if self._is_starting:
            return
        self._is_starting = True
        self._change(phase="starting", headline=_("Starting the training…"), error=None)
        document = {"job": uuid.uuid4().hex[:12], "kind": "detach", "spec": dict(spec)}
        self._quick_worker.submit(document, self._hear_start)

    def _hear_start(self, event: Event) -> None:
        if not self._is_starting or event["event"] not in ("result", "failed", "cancelled"):
            return
        self._is_starting = False
        summary = event.get("summary")
        folder = summary.get("folder") if isinstance(summary, dict) else None
        state = self._jobs.state(Path(str(folder))) if folder else None
        if state is not None:
            self._watch(state)
            return
        self._read()
        if event["event"] == "failed":
            card = make_training_card(event, details=self._quick_worker.details())
            headline = _("The training was not started.") if self._watched is None else self.view.headline
            self._change(error=card, headline=headline)

    def _watch(self, state: JobState) -> None:
        known = self._watched
        self._watched = _Watched(state, self._jobs.tail(state.folder), self._earlier(state), self._clock())
        if known is None or known.state.folder != state.folder:
            self._change(TrainView(runs=self.view.runs))
        self._on_chosen(state)
        self._read()
        self._polls += 1
        serial = self._polls
        self._later(POLL_S, lambda: self._poll(serial))

    def _earlier(self, state: JobState) -> TrainingLog:
        """What earlier jobs said that trained this very model, which this one goes on with."""
        training_log = TrainingLog()
        if state.spec.get("resume"):
            jobs = [each for each in self._jobs.trainings() if each.spec.get("out") == state.spec.get("out")]
            for each in sorted(jobs, key=lambda job: job.started):
                if each.folder != state.folder and each.started <= state.started:
                    training_log.hear(self._jobs.tail(each.folder).new_events())
        return training_log

    def _poll(self, serial: int) -> None:
        if serial != self._polls or self._watched is None:
            return
        self._read()
        if self._watched is not None and self.view.is_active:
            self._later(POLL_S, lambda: self._poll(serial))

    def _read(self) -> None:
        """What is new of the training, and of the others."""
        watched = self._watched
        if watched is None:
            plain = {} if self._is_starting or self.view.phase == "gone" else {"phase": "none", "headline": ""}
            self._change(runs=self._runs(), **plain)
            return
        state = self._jobs.state(watched.state.folder)
        if state is None:
            self._leave(_("The folder of this training was removed. What it learned is lost, unless a model was made."))
            return
        watched.state = state
        watched.training_log.hear(watched.tail.new_events())
        self._tell(watched)
        if state.state == "running":
            watched.was_seen_running = True
        elif state.state == "finished" and watched.was_seen_running:
            watched.was_seen_running = False
            self._on_finished(state)

    def _tell(self, watched: _Watched) -> None:
        training_log, state = watched.training_log, watched.state
        phase = PHASES[state.state]
        if phase == "running" and watched.is_stopping:
            phase = "stopping"
        if self._is_starting:
            phase = "starting"
        picture = _picture(state.spec)
        self._change(
            # With a hundred trainings the list takes longer to read than a blink: only when it has changed.
            runs=self._runs() if (phase, str(state.folder)) != (self.view.phase, self.view.chosen) else self.view.runs,
            chosen=str(state.folder),
            phase=phase,
            headline=describe_run(state, training_log, phase)
            if phase in ("starting", "running", "stopping")
            else describe_end(state, training_log),
            stage_text=" · ".join(
                filter(None, (name_stage(training_log.stage) if training_log.stage else "", training_log.message))
            ),
            percent=100 * (1.0 if phase == "finished" else training_log.overall),
            remaining_text=self._remaining(watched) if phase == "running" else "",
            has_best=training_log.best is not None,
            curves={name: tuple(points) for name, points in training_log.curves.items()},
            picture=picture[0],
            picture_time=picture[1],
            error=describe_failure(state, training_log),
            log=tuple(training_log.log),
        )

    def _remaining(self, watched: _Watched) -> str:
        """By what was done since it was first looked at: how long it ran before may have been on another machine."""
        share = watched.training_log.overall
        if watched.share is None or share < watched.share:
            watched.share, watched.since = share, self._clock()
        gained = (share - watched.share) / max(1e-6, 1.0 - watched.share)
        return say_remaining(self._clock() - watched.since, gained)

    def _leave(self, headline: str) -> None:
        self._watched = None
        self._polls += 1
        self._on_chosen(None)
        self._change(TrainView(runs=self._runs(), phase="gone", headline=headline))

    def _runs(self) -> tuple[RunEntry, ...]:
        return tuple(RunEntry(str(state.folder), describe_entry(state)) for state in self._jobs.trainings())

    def _change(self, view: TrainView | None = None, **changes: Any) -> None:
        self.view = dataclasses.replace(view or self.view, **changes)
        self._show(self.view)


def _picture(spec: Mapping[str, Any]) -> tuple[Path | None, float]:
    """The newest picture of a validation case that this training has left, and when it was made."""
    found: list[tuple[float, Path]] = []
    folder = name_run_folder(dict(spec))
    for path in (*folder.glob(PICTURE), *folder.glob(f"*/{PICTURE}")):
        try:
            found.append((path.stat().st_mtime, path))
        except OSError:
            continue
    return (max(found)[1], max(found)[0]) if found else (None, 0.0)
