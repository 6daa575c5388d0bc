"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.softmask import SoftmaskJob

RUNNERS = {
    SoftmaskJob: "softmask.run_softmask",
}
