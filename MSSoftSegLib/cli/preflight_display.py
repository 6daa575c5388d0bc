"""What a preflight of a training found, for a person in front of a shell."""

from __future__ import annotations

from typing import Any

from MSSoftSegLib.cli.display import say, show_events
from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.events import Event
from MSSoftSegLib.jobs.run import parse_job, run

SIGNS = {"error": "error", "warning": "warning", "note": "note"}


def show_preflight(spec: dict[str, Any], *, json_events: bool, debug: bool) -> None:
    """Run the preflight and print what it says; RequestError where the training would be refused."""
    results: list[dict[str, Any]] = []
    job = parse_job({"job": "preflight", "kind": "train-preflight", "spec": spec})
    with show_events(json_events=json_events) as emit:

        def watch(event: Event) -> None:
            if event["event"] == "result":
                results.append(event["summary"])
            emit(event)

        outcome = run(job, watch, debug=debug)
    if outcome.error is not None:
        raise outcome.error
    summary = results[-1]
    if not json_events:
        say("\n".join(describe_preflight(summary)))
    errors = [finding for finding in summary["findings"] if finding["severity"] == "error"]
    if errors:
        raise RequestError(errors[0]["message"], remedy=errors[0]["remedy"] or "see above")


def describe_preflight(summary: dict[str, Any]) -> list[str]:
    """The summary in words."""
    folds = f"{summary['folds']} folds" if summary["folds"] else "one hold-out split"
    lines = [
        f"{_count(summary['patients'], 'patient')}, {_count(summary['visits'], 'visit')}, {_count(summary['cases'], 'case')}",
        f"{folds}, {_count(summary['models'], 'network')} to train: {summary['training']} cases train, "
        f"{summary['validation']} of {_count(summary['validation_patients'], 'other patient')} judge",
        f"time: {_time(summary['estimated_s'])} {summary['estimate']}".rstrip(),
        f"disk: {_megabytes(summary['disk_needed_mb'])} needed, {_megabytes(summary['disk_free_mb'])} free",
    ]
    for finding in summary["findings"]:
        remedy = f" — {finding['remedy']}" if finding["remedy"] else ""
        lines.append(f"{SIGNS[finding['severity']]}: {finding['message']}{remedy}")
    return lines


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "not known"
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"


def _megabytes(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value / 1000:.1f} GB" if value >= 1000 else f"{value:.0f} MB"
