"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.regions import RegionsJob

RUNNERS = {
    RegionsJob: "regions.run_regions",
}
