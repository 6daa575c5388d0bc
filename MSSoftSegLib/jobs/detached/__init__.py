"""Long jobs as processes of their own: each has a folder, outlives who started it, and is watched and stopped through files."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.detach import DetachJob

RUNNERS = {
    DetachJob: "detach.run_detach",
}
