"""Long work in steps: a generator that yields where whoever runs it may do something else meanwhile, and returns its outcome."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")
Work = Generator[None, None, Result]


def finish(work: Work[Result]) -> Result:
    """All of it in one go."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
