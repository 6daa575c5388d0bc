"""Jobs of the case library as a person at a panel gives them, in this process."""

from __future__ import annotations

from MSSoftSegLib.jobs.run import parse_job, run


def ask(kind, **spec):
    """The summary of a library job; raises what it failed with."""
    events = []
    outcome = run(parse_job({"job": "desk", "kind": f"library-{kind}", "spec": spec}), events.append)
    if outcome.error is not None:
        raise outcome.error
    assert [event["event"] for event in events if event["event"] in ("result", "failed", "cancelled")] == ["result"]
    return events[-1]["summary"]


def save(library, mask, *, patient="1", rater="anna", status="approved", **more):
    """One rater's drawing into the library."""
    return ask("save", library=library, patient=patient, rater=rater, mask=mask, status=status, **more)


def opened(library, case="1"):
    """A case as the panel opens it."""
    return ask("open", library=library, case=case)
