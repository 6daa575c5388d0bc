"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.preprocess import PreprocessJob
from MSSoftSegLib.jobs.documents.segment import SegmentJob

RUNNERS = {
    PreprocessJob: "preprocess.run_preprocess",
    SegmentJob: "segment.run_segment",
}
