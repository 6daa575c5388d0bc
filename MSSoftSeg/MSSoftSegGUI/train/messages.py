"""How a training is, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from MSSoftSegGUI.train.training_log import TrainingLog
from MSSoftSegGUI.train.view import JudgmentView, MeasureRow, Phase
from MSSoftSegGUI.widgets.translation import tr as _
from MSSoftSegGUI.worker.error_card import ErrorCard, make_card, make_sentence
from MSSoftSegLib.jobs.detached.reading import JobState


def describe_entry(state: JobState) -> str:
    """A training in the list of all: model, how it is, when it was started."""
    how = {
        "running": _("running"),
        "finished": _("finished"),
        "failed": _("failed"),
        "cancelled": _("stopped"),
        "lost": _("interrupted"),
    }[state.state]
    return f"{state.out or state.name} · {how} · {state.started.astimezone():%Y-%m-%d %H:%M}"


def describe_run(state: JobState, training_log: TrainingLog, phase: Phase) -> str:
    """A training that works."""
    if phase == "starting":
        return _("Starting the training…")
    if phase == "stopping":
        return _("Stopping after this step; the best so far is kept…")
    text = _("{model} is being trained.").format(model=state.out)
    return f"{text} {_best_text(training_log)}".strip()


def describe_end(state: JobState, training_log: TrainingLog) -> str:
    """A training that does not work any more, and what can be done."""
    if state.state == "finished":
        return _("{model} is trained. Compare it with the present model before it is used.").format(model=state.out)
    text = {
        "cancelled": _("Stopped. The best weights are kept; Resume goes on where it was."),
        "lost": _(
            "Interrupted: its process was killed, the computer was switched off, or another computer, on which it runs, is not "
            "heard of. Resume goes on where it was."
        ),
        "failed": _("The training failed."),
    }[state.state]
    return f"{text} {_best_text(training_log)}".strip()


def describe_failure(state: JobState, training_log: TrainingLog) -> ErrorCard | None:
    """What went wrong, None where nothing did."""
    if state.state != "failed":
        return None
    details = "\n".join([state.name, *training_log.log[-40:]])
    if training_log.end is not None and training_log.end["event"] == "failed":
        return make_training_card(training_log.end, details=details)
    return ErrorCard(make_sentence(state.last_error or ""), "", details)


def _best_text(training_log: TrainingLog) -> str:
    """The best validation so far, "" before the first."""
    if training_log.best is None:
        return ""
    step, dsc = training_log.best
    return _("Best validation so far: DSC {dsc} at step {step}.").format(dsc=f"{dsc:.2f}", step=step)


def make_training_card(event: Mapping[str, Any], *, details: str) -> ErrorCard:
    """The card of a failed job of this section: remedies that speak of the command line are put in its words."""
    card = make_card(event, details=details)
    remedy = str(event.get("remedy") or "")
    if remedy and "--" not in remedy and "mssoftseg" not in remedy:
        return card
    return ErrorCard(
        card.what, _remedies().get(str(event.get("code")), _("Copy the details and report them.")), card.details
    )


def describe_judgment(summary: Mapping[str, Any]) -> JudgmentView:
    """What a comparison found, its verdict first."""
    verdict = str(summary.get("verdict"))
    known = verdict if verdict in ("better", "worse") else "undecided"
    names = [str((summary.get(which) or {}).get("name", "")) for which in ("first", "second")]
    first, second = names[0] or _("the old model"), names[1] or _("the new model")
    verdicts = {
        "better": _("{second} is better than {first}.").format(first=first, second=second),
        "worse": _("{second} is WORSE than {first}.").format(first=first, second=second),
        "undecided": _("It is not decided whether {second} is better than {first}.").format(first=first, second=second),
    }
    base = summary.get("base") or {}
    return JudgmentView(
        phase="judged",
        verdict=known,
        verdict_text=f"{verdicts[known]} {make_sentence(str(summary.get('reason') or ''))}".strip(),
        rows=(
            *_measure_rows(summary.get("measures") or {}, ""),
            *_measure_rows((base.get("measures") or {}) if base.get("patients") else {}, _("digital: ")),
        ),
        cases=tuple(_case_row(each) for each in summary.get("per_case") or ()),
        note=_judged_on(summary, base),
    )


def make_worse_question(verdict: str, view: JudgmentView) -> str:
    """What is asked before a model that was not found better becomes the default."""
    ask = _("Use it for every exam from now on all the same? The old model stays and can be made the default again.")
    if verdict == "worse":
        return _("The comparison found the new model WORSE.") + f"\n\n{view.verdict_text}\n\n{ask}"
    return _("The comparison could not show that the new model is better.") + f"\n\n{view.verdict_text}\n\n{ask}"


def describe_decision(decision: str, name: str) -> str:
    """What was done."""
    return {
        "default": _("{model} is the default now: the next Segment uses it.").format(model=name),
        "candidate": _("{model} is kept as a candidate: choose it under Segment to try it. The default is as before."),
        "discard": _("{model} was discarded. The default is as before."),
    }[decision].format(model=name)


def _measure_rows(measures: Mapping[str, Any], prefix: str) -> Iterator[MeasureRow]:
    for name, (title, higher_is_better) in _measures().items():
        found = measures.get(name)
        if not isinstance(found, dict) or found.get("n") in (0, None):
            continue
        difference, low, high = (found.get(part) for part in ("difference", "low", "high"))
        text = _signed(difference)
        if _is_number(low) and _is_number(high):
            text += f"\n{_signed(low)} … {_signed(high)}"
        yield MeasureRow(
            prefix + title,
            _number(found.get("first")),
            _number(found.get("second")),
            text,
            _is_worse(difference, higher_is_better=higher_is_better),
        )


def _case_row(entry: Mapping[str, Any]) -> MeasureRow:
    """One case: DSC, lesion F1 and calibration of both."""
    first, second = (entry.get(which) or {} for which in ("first", "second"))
    texts = [" / ".join(_number(scores.get(name), 2) for name in _measures()) for scores in (first, second)]
    pair = (first.get("dsc"), second.get("dsc"))
    difference = pair[1] - pair[0] if all(_is_number(each) for each in pair) else None
    worse = _is_worse(difference, higher_is_better=True)
    return MeasureRow(str(entry.get("case")), texts[0], texts[1], _signed(difference), worse)


def _judged_on(summary: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    text = _("{cases} held-out cases of {patients} patients; differences with their 95 % interval.").format(
        cases=summary.get("cases", 0), patients=summary.get("patients", "?")
    )
    if base.get("patients"):
        text += " " + _("Digital: {count} digital patients, which show whether something was forgotten.").format(
            count=base["patients"]
        )
    return text


def _measures() -> dict[str, tuple[str, bool]]:
    """Title, and whether more is better."""
    return {
        "dsc": (_("DSC"), True),
        "lesion_f1": (_("Lesion F1"), True),
        "ece_lesion": (_("Calib. error"), False),
    }


def _is_worse(difference: object, *, higher_is_better: bool) -> bool:
    if not _is_number(difference):
        return False
    return float(difference) < 0 if higher_is_better else float(difference) > 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if _is_number(value) else "–"


def _signed(value: object) -> str:
    return f"{value:+.3f}".replace("-", "−") if _is_number(value) else "–"


def _remedies() -> dict[str, str]:
    return {
        "bad-request": _("Check what is chosen above."),
        "bad-bundle": _("Choose another model to start from."),
        "package-missing": _("Install what is missing under Environment."),
        "environment": _("See what is missing under Environment."),
        "device-missing": _("Choose the device Auto or CPU."),
        "out-of-memory": _("Close other programs or choose the device CPU, then click Resume."),
        "disk-full": _("Free some disk space, then click Resume."),
        "output-exists": _("Give the new model another name."),
        "worker-killed": _("Close other programs and try again."),
        "worker-crashed": _("Try again, with the device CPU."),
    }
