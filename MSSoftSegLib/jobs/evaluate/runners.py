"""The kinds of job of this family, and what runs each."""

from __future__ import annotations

from MSSoftSegLib.jobs.documents.evaluate import CompareJob, EvaluateJob
from MSSoftSegLib.jobs.documents.model_comparison import CompareModelsJob
from MSSoftSegLib.jobs.documents.model_promotion import PromoteModelJob

RUNNERS = {
    CompareJob: "compare.run_compare",
    EvaluateJob: "evaluate.run_evaluate",
    CompareModelsJob: "model_comparison.run_compare_models",
    PromoteModelJob: "model_promotion.run_promote_model",
}
