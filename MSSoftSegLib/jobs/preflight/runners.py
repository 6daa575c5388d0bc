"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.preflight import TrainPreflightJob

RUNNERS = {
    TrainPreflightJob: "preflight.run_preflight",
}
