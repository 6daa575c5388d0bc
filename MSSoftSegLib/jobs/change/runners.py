"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.change import ChangeJob

RUNNERS = {
    ChangeJob: "change.run_change",
}
