"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.detach import DetachJob

RUNNERS = {
    DetachJob: "detach.run_detach",
}
