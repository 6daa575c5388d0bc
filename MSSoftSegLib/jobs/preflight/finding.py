"""Something that is said before a training begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from MSSoftSegLib.errors import MSSoftSegError

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """error: the training would be refused or fail; warning: it would run and disappoint; note: good to know."""

    severity: Severity
    message: str
    remedy: str = ""


def as_finding(problem: MSSoftSegError, severity: Severity = "error") -> Finding:
    """What a check that raises had to say."""
    return Finding(severity, problem.message, problem.remedy)
