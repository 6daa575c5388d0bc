"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.exam_choices import ExamChoicesJob
from MSSoftSegLib.jobs.documents.exam_images import ExamImagesJob

RUNNERS = {
    ExamChoicesJob: "choices.run_exam_choices",
    ExamImagesJob: "images.run_exam_images",
}
