"""Events: overall progress never goes back, a job ends exactly once, logs arrive."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from MSSoftSegLib.errors import JobCancelled, RequestError
from MSSoftSegLib.jobs import run as run_module
from MSSoftSegLib.jobs.events import Reporter, send_logs_as_events
from MSSoftSegLib.jobs.run import parse_job, run

SHARES = {"first": 1.0, "second": 3.0, "third": 2.0}


@given(st.lists(st.tuples(st.sampled_from(list(SHARES)), st.floats(0, 1)), max_size=30))
def test_overall_never_goes_back_and_stays_within_one(reports):
    events = []
    reporter = Reporter("j", SHARES, events.append)
    for stage, fraction in reports:
        reporter.progress(stage, fraction)
    overall = [event["overall"] for event in events]
    assert overall == sorted(overall)
    assert all(0 <= value <= 1 for value in overall)


def test_stages_count_by_their_share():
    events = []
    reporter = Reporter("j", SHARES, events.append)
    reporter.progress("second", 0.5)
    assert events[-1]["overall"] == pytest.approx((1 + 1.5) / 6, abs=1e-4)
    reporter.progress("third", 1.0)
    assert events[-1]["overall"] == 1.0


def test_a_cancellation_takes_effect_at_the_next_report():
    asked = False
    reporter = Reporter("j", SHARES, lambda event: None, cancelled=lambda: asked)
    reporter.progress("first", 0.1)
    asked = True
    with pytest.raises(JobCancelled):
        reporter.progress("first", 0.2)


def test_every_stage_has_its_time_and_only_that():
    reporter = Reporter("j", SHARES, lambda event: None)
    reporter.progress("first", 0.0)
    reporter.progress("second", 0.0)
    times = reporter.stage_times()
    assert [time.name for time in times] == list(SHARES)
    assert times[2].seconds == 0.0


def test_log_lines_become_events_only_while_the_job_runs():
    events = []
    logger = logging.getLogger("MSSoftSegLib.somewhere")
    with send_logs_as_events("j", events.append):
        logger.warning("of note: %d", 3)
    logger.warning("afterwards")
    assert [(e["event"], e["level"], e["message"]) for e in events] == [("log", "warning", "of note: 3")]


JOB = {"job": "j1", "kind": "preprocess", "spec": {"exam": {"folder": "x"}, "out": "y"}}


@pytest.mark.parametrize(
    ("failure", "event", "exit_code"),
    [
        (None, "result", 0),
        (RequestError("wrong", remedy="mend it"), "failed", 2),
        (JobCancelled(), "cancelled", 130),
        (KeyboardInterrupt(), "cancelled", 130),
        (MemoryError(), "failed", 3),
        (OSError(28, "No space left on device"), "failed", 3),
        (ZeroDivisionError("secret path /home/patient"), "failed", 4),
    ],
)
def test_a_job_ends_with_exactly_one_of_result_failed_cancelled(monkeypatch, failure, event, exit_code):
    events = []

    def execute(job, emit, cancelled):
        emit({"event": "started", "job": job.job})
        if failure is not None:
            raise failure
        emit({"event": "result", "job": job.job})

    monkeypatch.setattr(run_module, "_execute", execute)
    outcome = run(parse_job(JOB), events.append)
    assert [e["event"] for e in events if e["event"] != "started"] == [event]
    assert outcome.exit_code == exit_code
    assert "secret" not in str(events)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"kind": "dance"}, "kind"),
        ({"spec": {"exam": {"folder": "x"}, "out": "y", "color": 1}}, "color"),
        ({"spec": {"exam": {"t1": "x"}, "out": "y"}}, "FLAIR image is required"),
        ({"spec": {"exam": {"folder": "x", "flair": "f"}, "out": "y"}}, "not both"),
        ({"job": None}, "job"),
    ],
)
def test_a_job_that_does_not_fit_the_schema_is_refused_by_name(change, named):
    with pytest.raises(RequestError, match=named) as caught:
        parse_job({**JOB, **change})
    assert caught.value.exit_code == 2
