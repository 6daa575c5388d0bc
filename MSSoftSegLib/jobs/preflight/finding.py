"""Something that is said before a training begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from MSSoftSegLib.errors import MSSoftSegError

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class PreflightFinding:
    """error: the training would be refused or fail; warning: it would run and disappoint; note: good to know."""

    severity: Severity
    message: str
    remedy: str = ""


def make_finding(problem: MSSoftSegError, severity: Severity = "error") -> PreflightFinding:
    """What a check that raises had to say."""
    return PreflightFinding(severity, problem.message, problem.remedy)
