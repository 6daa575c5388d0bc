"""What is looked at before a training: cases, split, time, disk, memory, and what is wrong with any of them."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.preflight import TrainPreflightJob

RUNNERS = {
    TrainPreflightJob: "preflight.run_preflight",
}
