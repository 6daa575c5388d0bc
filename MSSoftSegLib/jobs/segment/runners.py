"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.preprocess import PreprocessJob
from MSSoftSegLib.jobs.documents.report import ReportJob
from MSSoftSegLib.jobs.documents.segment import SegmentJob

RUNNERS = {
    PreprocessJob: "preprocess.run_preprocess",
    ReportJob: "reviewed_report.run_report",
    SegmentJob: "segment.run_segment",
}
