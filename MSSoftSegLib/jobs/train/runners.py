"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.pseudolabel import PseudolabelJob
from MSSoftSegLib.jobs.documents.study import StudyJob
from MSSoftSegLib.jobs.documents.train import TrainJob

RUNNERS = {
    PseudolabelJob: "pseudolabel.run_pseudolabel",
    StudyJob: "study.run_study",
    TrainJob: "train.run_train",
}

# Long jobs, which may run in a process of their own: the specification with which each goes on after it was stopped.
LONG = {
    StudyJob: "resuming.resume_study",
    TrainJob: "resuming.resume_training",
}
