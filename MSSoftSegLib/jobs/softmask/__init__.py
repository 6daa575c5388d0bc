"""From rater masks to a soft mask."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.softmask import SoftmaskJob

RUNNERS = {
    SoftmaskJob: "softmask.run_softmask",
}
